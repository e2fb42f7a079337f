//! `--live` asks the AWS Price List, here a stand-in on the loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::support::{dyad, shown, text};

/// A stand-in that answers each request by `answer`, until the test ends; its address, and the
/// requests that came.
fn price_list(
    answer: impl Fn(&Value) -> (u16, Value) + Send + 'static,
) -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).unwrap() > 2 {
                let header = line.to_lowercase();
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let request: Value = serde_json::from_slice(&body).unwrap();
            let (status, answer) = answer(&request);
            seen.lock().unwrap().push(request);
            let answer = answer.to_string();
            write!(
                stream,
                "HTTP/1.1 {status} -\r\ncontent-type: application/x-amz-json-1.1\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n{answer}",
                answer.len()
            )
            .unwrap();
        }
    });
    (address, requests)
}

/// A product as the Price List has it: JSON in a text.
fn product(usd: &str) -> String {
    json!({
        "product": {"productFamily": "ML Instance"},
        "terms": {"OnDemand": {"SKU.TERM": {"priceDimensions": {"SKU.TERM.DIM": {
            "unit": "Hrs", "pricePerUnit": {"USD": usd}
        }}}}}
    })
    .to_string()
}

fn live(endpoint: &str, instance: &str) -> Command {
    let mut command = dyad();
    command.args(["estimate", "--proteins=100", "--pairs=1000", "--encoder=esm2_t6_8M_UR50D"]);
    command.args(["--live", "--json", "--device=cpu", "--cache=/nonexistent/cache"]);
    command.arg(format!("--instance={instance}"));
    // Nothing of this machine's own credentials and configuration.
    for (name, value) in [
        ("AWS_ENDPOINT_URL_PRICING", endpoint),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_CONFIG_FILE", "/nonexistent"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ] {
        command.env(name, value);
    }
    command
}

fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{}", shown(output));
    text(&output.stderr)
}

#[test]
fn live_prices_take_the_place_of_the_tables() {
    // Nothing on the first page, the price on the second.
    let (endpoint, requests) = price_list(|request| match request["NextToken"].as_str() {
        None => (200, json!({"FormatVersion": "aws_v1", "PriceList": [], "NextToken": "2"})),
        Some(_) => {
            (200, json!({"FormatVersion": "aws_v1", "PriceList": [product("0.5000000000")]}))
        }
    });
    let output = live(&endpoint, "ml.g4dn.xlarge").arg("--region=eu-west-1").output().unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let estimate = &report["estimates"][1];
    assert_eq!(estimate["price"]["usd_per_hour"], 0.5, "{estimate}");
    assert_eq!(estimate["price"]["region"], "eu-west-1", "{estimate}");
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0]["ServiceCode"], "AmazonSageMaker");
    let filters = requests[0]["Filters"].as_array().unwrap();
    let filters: Vec<_> = filters.iter().map(|f| (&f["Field"], &f["Value"])).collect();
    let wanted = [
        ("instanceName", "ml.g4dn.xlarge"),
        ("regionCode", "eu-west-1"),
        ("component", "Training"),
    ];
    let wanted = wanted.map(|(field, value)| (json!(field), json!(value)));
    assert_eq!(filters, wanted.iter().map(|(f, v)| (f, v)).collect::<Vec<_>>());
}

#[test]
fn what_the_price_list_refuses_is_said_with_a_remedy() {
    let (denying, _) = price_list(|_| {
        let message = "User: x is not authorized to perform: pricing:GetProducts";
        (400, json!({"__type": "AccessDeniedException", "Message": message}))
    });
    let denied = failed(&live(&denying, "ml.g5.xlarge").output().unwrap());
    assert!(denied.contains(r#""Action":"pricing:GetProducts""#), "{denied}");

    let (empty, _) = price_list(|_| (200, json!({"PriceList": []})));
    let none = failed(&live(&empty, "ml.p3.2xlarge").output().unwrap());
    assert!(none.contains("no SageMaker training on `ml.p3.2xlarge` in `us-east-1`"), "{none}");

    let (two, _) = price_list(|_| (200, json!({"PriceList": [product("1.0"), product("2.0")]})));
    let unclear = failed(&live(&two, "ml.g5.xlarge").output().unwrap());
    assert!(unclear.contains("2 product(s), 2 price(s)"), "{unclear}");

    let mut without = live(&two, "ml.g5.xlarge");
    let output = without.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let anonymous = failed(&output.output().unwrap());
    assert!(anonymous.contains("no usable credentials"), "{anonymous}");
}
