//! A baseline that is an object of S3: got whole into a file without a name, and read from there.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use super::{BaselineError, Found, unavailable, waited_for};
use crate::{
    app::snapshots::AWS_KEY,
    config::{Config, SnapshotsTo},
    s3::{self, Bucket, OBJECT_BYTES_MAX},
    telemetry::seed,
};

/// The bucket `name` as the one to read from: who reads is who writes snapshots, where that is said.
pub(super) fn bucket(config: &Config, name: &str) -> Result<Arc<Bucket>, BaselineError> {
    let as_written = config.snapshots().and_then(|snapshots| match &snapshots.to {
        SnapshotsTo::S3(s3) => Some((s3.endpoint.clone(), s3.aws.clone())),
        SnapshotsTo::Directory(_) => None,
    });
    let (endpoint, aws) = as_written.unwrap_or_default();
    let place = s3::Config { bucket: name.to_owned(), prefix: String::new(), endpoint, aws };
    Ok(Arc::new(Bucket::new(place, AWS_KEY).map_err(unavailable)?))
}

/// Gets the object `name` of `bucket`, which people know as `shown`, into a file that is gone with the process.
pub(super) fn object(
    config: &Config,
    bucket: Arc<Bucket>,
    name: String,
    shown: String,
) -> Result<Found, BaselineError> {
    let folder = config.state.as_ref().map_or_else(std::env::temp_dir, |state| state.directory.clone());
    let mut file = nameless(&folder).map_err(unavailable)?;
    let into = file.try_clone().map_err(unavailable)?;
    let got = waited_for(async move { bucket.get_file(&name, &into, OBJECT_BYTES_MAX).await })?;
    got.map_err(unavailable)?;
    file.rewind().map_err(unavailable)?;
    Ok(Found { name: shown, file })
}

/// An empty file without a name, readable by nobody else.
fn nameless(folder: &Path) -> io::Result<File> {
    let path = folder.join(format!("baseline-{:016x}.tmp", seed::fresh()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}
