//! The AWS Price List: what an hour of a SageMaker instance costs today.

use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_sdk_pricing::Client;
use aws_sdk_pricing::config::Region;
use aws_sdk_pricing::config::timeout::TimeoutConfig;
use aws_sdk_pricing::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_pricing::operation::get_products::GetProductsError;
use aws_sdk_pricing::types::{Filter, FilterType};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::Value;
use tokio::runtime::{self, Runtime};

use super::Problem;
use super::s3::{check_credentials, https};

const SERVICE: &str = "AmazonSageMaker";
/// The service answers in few regions only, for all.
const ENDPOINT_REGION: &str = "us-east-1";
/// What names the component in present and in older lists.
const COMPONENTS: [&str; 2] = ["component", "platoinstancetype"];
const ANSWER: Duration = Duration::from_secs(20);
/// An instance type has a handful of products; a server that sends pages without end is none.
const MOST_PAGES: usize = 20;

/// Why there is no live price.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The permission is missing.
    #[error(
        "the AWS Price List refuses ({0}); allow it in the policy of the user or role: \
         {{\"Effect\":\"Allow\",\"Action\":\"pricing:GetProducts\",\"Resource\":\"*\"}}, or leave out `--live`"
    )]
    Denied(String),
    /// No credentials, or no answer.
    #[error("no prices from the AWS Price List: {0}; leave out `--live` for those of the table")]
    Unavailable(#[source] Problem),
    /// Nothing of that name is for sale there.
    #[error(
        "the AWS Price List has no SageMaker training on `{instance}` in `{region}`; correct the \
         instance type or `--region`"
    )]
    NoProduct {
        /// The instance type.
        instance: String,
        /// The region.
        region: String,
    },
    /// The answer has several prices, or none that can be read.
    #[error(
        "the AWS Price List has no single price for `{instance}` in `{region}`: {problem}; leave out \
         `--live` for that of the table"
    )]
    Unclear {
        /// The instance type.
        instance: String,
        /// The region.
        region: String,
        /// What it has.
        problem: String,
    },
}

/// A connection to the Price List.
pub struct PriceList {
    runtime: Runtime,
    client: Client,
}

impl PriceList {
    /// Finds credentials and endpoint as the AWS tools do (`AWS_ENDPOINT_URL`, or
    /// `AWS_ENDPOINT_URL_PRICING` for this service alone).
    pub fn connect() -> Result<Self, PriceError> {
        let runtime =
            runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .map_err(|error| PriceError::Unavailable(Problem::Refused(error.to_string())))?;
        let client = runtime.block_on(async {
            let found =
                aws_config::defaults(BehaviorVersion::latest()).http_client(https()).load().await;
            check_credentials(&found).await.map_err(PriceError::Unavailable)?;
            let limits = TimeoutConfig::builder().operation_timeout(ANSWER).build();
            let config = aws_sdk_pricing::config::Builder::from(&found)
                .region(Region::from_static(ENDPOINT_REGION))
                .timeout_config(limits)
                .build();
            Ok(Client::from_conf(config))
        })?;
        Ok(Self { runtime, client })
    }

    /// US dollars per hour of training on `instance` in `region`, on demand.
    pub fn training(&self, instance: &str, region: &str) -> Result<f64, PriceError> {
        let named = || (instance.to_owned(), region.to_owned());
        for component in COMPONENTS {
            let products = self.products(component, instance, region)?;
            let mut prices: Vec<f64> = products.iter().flat_map(|text| hourly(text)).collect();
            prices.sort_unstable_by(f64::total_cmp);
            prices.dedup();
            let (instance, region) = named();
            match prices.as_slice() {
                [price] => return Ok(*price),
                [] if products.is_empty() => {}
                prices => {
                    let problem =
                        format!("{} product(s), {} price(s)", products.len(), prices.len());
                    return Err(PriceError::Unclear { instance, region, problem });
                }
            }
        }
        let (instance, region) = named();
        Err(PriceError::NoProduct { instance, region })
    }

    /// The products of all pages, each a JSON text.
    fn products(
        &self,
        component: &str,
        instance: &str,
        region: &str,
    ) -> Result<Vec<String>, PriceError> {
        let mut products = Vec::new();
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let mut request = self.client.get_products().service_code(SERVICE);
            let wanted =
                [("instanceName", instance), ("regionCode", region), (component, "Training")];
            for (field, value) in wanted {
                let filter =
                    Filter::builder().r#type(FilterType::TermMatch).field(field).value(value);
                let filter = filter.build().map_err(|error| {
                    PriceError::Unavailable(Problem::Refused(error.to_string()))
                })?;
                request = request.filters(filter);
            }
            let page = self.runtime.block_on(request.set_next_token(token).send());
            let page = page.map_err(|error| refusal(&error))?;
            products.extend(page.price_list().iter().cloned());
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        Ok(products)
    }
}

/// Today, as `2026-11-22`.
pub fn today() -> String {
    let now = DateTime::from(SystemTime::now()).fmt(Format::DateTime).unwrap_or_default();
    now.chars().take("2026-11-22".len()).collect()
}

/// The prices per hour of a product on demand; 0 is no price but a free tier.
fn hourly(product: &str) -> Vec<f64> {
    let product: Value = serde_json::from_str(product).unwrap_or_default();
    let terms =
        product["terms"]["OnDemand"].as_object().into_iter().flat_map(|terms| terms.values());
    let dimensions = terms.flat_map(|term| term["priceDimensions"].as_object().into_iter());
    let dimensions = dimensions.flat_map(|dimensions| dimensions.values());
    let hourly = dimensions.filter(|dimension| {
        dimension["unit"].as_str().is_some_and(|unit| unit.to_lowercase().starts_with('h'))
    });
    let prices =
        hourly.filter_map(|dimension| dimension["pricePerUnit"]["USD"].as_str()?.parse().ok());
    prices.filter(|price: &f64| price.is_finite() && *price > 0.0).collect()
}

fn refusal<R>(error: &SdkError<GetProductsError, R>) -> PriceError {
    let (code, message) = match error {
        SdkError::ServiceError(service) => (service.err().code(), service.err().message()),
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => {
            let problem = Problem::Unreachable("no answer of the AWS Price List".to_owned());
            return PriceError::Unavailable(problem);
        }
        _ => (None, Some("the answer cannot be read")),
    };
    let said: Vec<&str> = code.into_iter().chain(message).collect();
    let said = said.join(", ");
    match code {
        Some(code) if code.starts_with("AccessDenied") => PriceError::Denied(said),
        Some(
            "UnrecognizedClientException" | "InvalidSignatureException" | "ExpiredTokenException",
        ) => PriceError::Unavailable(Problem::Credentials(said)),
        _ => PriceError::Unavailable(Problem::Refused(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hours_on_demand_that_cost_something_are_prices() {
        let product = |unit: &str, usd: &str| {
            let dimension = serde_json::json!({"unit": unit, "pricePerUnit": {"USD": usd}});
            serde_json::json!({
                "terms": {"OnDemand": {"A.B": {"priceDimensions": {"A.B.C": dimension}}}}
            })
            .to_string()
        };
        assert_eq!(hourly(&product("Hrs", "0.7364000000")), [0.7364]);
        for (unit, usd) in
            [("GB-Mo", "0.14"), ("Hrs", "0.0000000000"), ("Hrs", "NaN"), ("Hrs", "x")]
        {
            assert_eq!(hourly(&product(unit, usd)), Vec::<f64>::new(), "{unit} {usd}");
        }
        assert_eq!(hourly("no JSON"), Vec::<f64>::new());
    }

    #[test]
    fn today_is_a_date() {
        let today = today();
        assert!(today.len() == 10 && today.starts_with("20"), "{today}");
    }
}
