//! Clusters as `MMseqs2` and others write them: a representative and a member per line.

use std::path::{Path, PathBuf};

use crate::protein::{Accession, AccessionError};
use crate::sequences::identifier;
use crate::storage::{Lines, SourceFile, StorageError, TextError, source_files};

/// The clusters of one or more files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterTable {
    /// Two proteins of one cluster each: a representative and a member.
    pub links: Vec<(Accession, Accession)>,
    /// The files that were read, in order.
    pub sources: Vec<SourceFile>,
}

/// A table of clusters that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterTableError {
    /// The place cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It is not text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// It has no row.
    #[error("`{}` lists no cluster: expected a representative, a tab and a member per line", .0.display())]
    Empty(PathBuf),
    /// A row of another form.
    #[error(
        "line {line} of `{}` has {found} columns: expected two, a representative and a member with \
         a tab between them, as in MMseqs2's `_cluster.tsv`",
        path.display()
    )]
    Columns {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The columns of the row.
        found: usize,
    },
    /// A cell that names no protein.
    #[error("line {line} of `{}`: {source}: mend or remove the row", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        source: AccessionError,
    },
}

/// Reads a file, or all files of a folder: two names per line, as in the headers of FASTA.
pub fn read_clusters(path: &Path) -> Result<ClusterTable, ClusterTableError> {
    let mut table = ClusterTable { links: Vec::new(), sources: Vec::new() };
    for file in source_files(path)? {
        let (mut lines, source) = Lines::open(&file)?;
        table.sources.push(source);
        while let Some((number, line)) = lines.next_line()? {
            table.links.push(link(&file, number, &line)?);
        }
    }
    match table.links.is_empty() {
        true => Err(ClusterTableError::Empty(path.to_owned())),
        false => Ok(table),
    }
}

fn link(path: &Path, line: usize, row: &str) -> Result<(Accession, Accession), ClusterTableError> {
    let columns: Vec<_> = row.split('\t').collect();
    let &[representative, member] = columns.as_slice() else {
        let (path, found) = (path.to_owned(), columns.len());
        return Err(ClusterTableError::Columns { path, line, found });
    };
    let name = |text: &str| {
        let wrong = |source| ClusterTableError::Name { path: path.to_owned(), line, source };
        identifier(text).parse().map_err(wrong)
    };
    Ok((name(representative)?, name(member)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::write_atomic;

    fn read(content: &str) -> Result<ClusterTable, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clusters.tsv");
        write_atomic(&path, content.as_bytes()).unwrap();
        let hide = |error: ClusterTableError| {
            error.to_string().replace(&folder.path().display().to_string(), "FOLDER")
        };
        read_clusters(&path).map_err(hide)
    }

    #[test]
    fn rows_are_two_names_as_fasta_headers_have_them() {
        let table = read("P1\tP1\r\nP1\tsp|P2|NAME_YEAST\n\ntr|Q3|Q3_YEAST\tQ4").unwrap();
        let names: Vec<_> =
            table.links.iter().map(|(one, other)| format!("{one} {other}")).collect();
        assert_eq!(names, ["P1 P1", "P1 P2", "Q3 Q4"]);
        assert_eq!(table.sources[0].name, "clusters.tsv");
    }

    #[test]
    fn other_files_are_refused_with_the_line() {
        let message = |content| read(content).unwrap_err();
        insta::assert_snapshot!(message("\n"), @"`FOLDER/clusters.tsv` lists no cluster: expected a representative, a tab and a member per line");
        insta::assert_snapshot!(message("P1\tP1\nP1 P2\n"), @"line 2 of `FOLDER/clusters.tsv` has 1 columns: expected two, a representative and a member with a tab between them, as in MMseqs2's `_cluster.tsv`");
        insta::assert_snapshot!(message("P1\t\n"), @"line 1 of `FOLDER/clusters.tsv`: empty identifier: mend or remove the row");
    }
}
