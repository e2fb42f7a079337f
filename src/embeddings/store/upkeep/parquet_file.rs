//! One Parquet file: a row group per shard, embeddings as lists of 32-bit floating point.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Encoding;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::CacheError;
use super::export::{Export, Rows, Wanted, absent};
use super::whole::{WholeShard, decode};
use crate::storage;

/// Lists are groups of three levels, as
/// <https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists> demands.
const SCHEMA: &str = "
message embeddings {
  required binary sha256 (STRING);
  required int32 residues;
  optional binary accessions (STRING);
  required group embedding (LIST) {
    repeated group list {
      required float element;
    }
  }
}";

/// Writes `embeddings.parquet`.
pub(super) fn write(job: &Export<'_>, rows: &Rows, out: &Path) -> Result<(), CacheError> {
    let path = out.join("embeddings.parquet");
    absent(&path)?;
    let failed = |source| CacheError::Parquet { path: path.clone(), source };
    storage::write_stream(&path, |file: &mut File| {
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
        let mut writer =
            SerializedFileWriter::new(file, schema, Arc::new(properties(job))).map_err(failed)?;
        job.each_shard(rows, |shard, wanted| {
            let mut group = writer.next_row_group().map_err(failed)?;
            write_rows(job, shard, wanted, &mut group).map_err(failed)?;
            group.close().map(drop).map_err(failed)
        })?;
        writer.close().map(drop).map_err(failed)
    })
}

/// Values are nearly random and all different: neither dictionaries nor statistics help.
fn properties(job: &Export<'_>) -> WriterProperties {
    let space = String::from_utf8_lossy(&job.space.space.canonical_json()).into_owned();
    WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_key_value_metadata(Some(vec![KeyValue::new("dyad.space".to_owned(), space)]))
        .build()
}

fn write_rows<W: std::io::Write + Send>(
    job: &Export<'_>,
    shard: &WholeShard,
    wanted: &[Wanted],
    group: &mut SerializedRowGroupWriter<'_, W>,
) -> Result<(), ParquetError> {
    let index = &shard.index;
    let text = |text: String| ByteArray::from(text.into_bytes());
    let keys: Vec<_> = wanted.iter().map(|w| text(index.keys[w.row].to_string())).collect();
    column::<ByteArrayType, _>(group, &keys, None, None)?;

    let residues: Vec<_> = wanted.iter().map(|w| index.residues[w.row].cast_signed()).collect();
    column::<Int32Type, _>(group, &residues, None, None)?;

    let names: Vec<_> = wanted.iter().map(|w| job.accessions(&index.keys[w.row])).collect();
    let named: Vec<_> = names.iter().map(|names| i16::from(!names.is_empty())).collect();
    let names: Vec<_> = names.into_iter().filter(|names| !names.is_empty()).map(text).collect();
    column::<ByteArrayType, _>(group, &names, Some(&named), None)?;

    let space = &job.space.space;
    let values: Vec<f32> = wanted.iter().flat_map(|w| decode(space, shard.row(w.row))).collect();
    let first: Vec<_> =
        (0..values.len()).map(|at| i16::from(!at.is_multiple_of(space.dimension))).collect();
    column::<FloatType, _>(group, &values, Some(&vec![1; values.len()]), Some(&first))
}

fn column<T: DataType, W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    definition: Option<&[i16]>,
    repetition: Option<&[i16]>,
) -> Result<(), ParquetError> {
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(values, definition, repetition)?;
        column.close()?;
    }
    Ok(())
}
