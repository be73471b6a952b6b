//! Why a database or an asset list cannot be used; each error names the config key and the file.

use std::{io, path::PathBuf};

use maxminddb::MaxMindDbError;

/// Why a configured file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("could not read {key}: {}: {cause}", path.display())]
    Read {
        /// The config key that names the file: `enrich.geoip.city`, `enrich.assets[0].file`.
        key: String,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// The file is larger than this room takes into memory.
    #[error("could not read {key}: {} has {bytes} bytes, the most is {bytes_max}", path.display())]
    TooLarge {
        /// The config key that names the file.
        key: String,
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest size taken.
        bytes_max: u64,
    },
    /// The file changed while it was read; it is read again once it has stood still.
    #[error("could not read {key}: {} changed while it was read", path.display())]
    Moving {
        /// The config key that names the file.
        key: String,
        /// The file.
        path: PathBuf,
    },
    /// The file is not a MaxMind database whose every record can be looked up.
    #[error("could not use {key}: {}: {cause}", path.display())]
    Database {
        /// The config key that names the file.
        key: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: DatabaseError,
    },
    /// A topic of assets cannot be read.
    #[error("could not read {key}: topic {topic}: {cause}")]
    Topic {
        /// The config key that names the topic: `enrich.assets[0].kafka`.
        key: String,
        /// The topic.
        topic: String,
        /// What the cluster says.
        cause: String,
    },
    /// A list names neither a file nor a topic, or both.
    #[error("could not read {key}: give either `file` or `kafka`")]
    NoSource {
        /// The config key of the list: `enrich.assets[0]`.
        key: String,
    },
    /// A row of an asset list cannot be understood.
    #[error("could not read {key}: {}: {cause}", path.display())]
    Assets {
        /// The config key that names the file.
        key: String,
        /// The file.
        path: PathBuf,
        /// Where and what.
        cause: AssetError,
    },
}

/// What is wrong with a database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It does not open, does not verify, or a record in it does not decode.
    #[error(transparent)]
    Format(#[from] MaxMindDbError),
    /// Its search tree runs in circles, or meets so often in the same nodes that nobody could walk it.
    #[error("invalid database: the search tree of {nodes} nodes takes more than {steps_max} steps to walk")]
    Tree {
        /// Nodes in the tree.
        nodes: usize,
        /// Steps after which the walk was given up.
        steps_max: usize,
    },
    /// Walking all its networks took too long.
    #[error("its networks could not be walked in {seconds} seconds")]
    Slow {
        /// Seconds after which the walk was given up.
        seconds: u64,
    },
}

/// What is wrong with an asset list, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    /// The file's name does not say what is in it.
    #[error("its name must end in .csv, .json or .ndjson")]
    UnknownExtension,
    /// There are more rows than this room takes.
    #[error("it has more than {rows_max} rows")]
    TooManyRows {
        /// The most rows.
        rows_max: usize,
    },
    /// The header line, or the file as a whole, cannot be read.
    #[error("{cause}")]
    Shape {
        /// What is wrong.
        cause: String,
    },
    /// A row as a whole cannot be read.
    #[error("row {row}: {cause}")]
    Row {
        /// In CSV the line on which the row begins, in JSON the number of the object; the first is 1.
        row: u64,
        /// What is wrong.
        cause: String,
    },
    /// One thing that AWS describes cannot be read.
    #[error("row {row}, {list}[{index}]: {cause}")]
    Described {
        /// As in [`AssetError::Row`]: which of the objects.
        row: u64,
        /// The member that holds the list: `NetworkInterfaces`.
        list: &'static str,
        /// The thing's place in it; the first is 0.
        index: usize,
        /// What is wrong.
        cause: String,
    },
    /// One column of a row cannot be understood.
    #[error("row {row}, column {column:?}: {cause}")]
    Column {
        /// As in [`AssetError::Row`].
        row: u64,
        /// Name of the column.
        column: String,
        /// What is wrong.
        cause: String,
    },
}
