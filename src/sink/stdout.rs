//! Standard output: documents as they are, one a line.

use std::{io::Write, sync::Arc};

use super::{Delivery, DocSet, Sink, SinkError};
use crate::{event::Documents, pipe::BoxFuture};

/// Writes documents to standard output.
#[derive(Debug)]
pub struct Stdout;

// === impl Stdout ===

impl Stdout {
    fn write(documents: &Documents, only: &DocSet) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        match only {
            DocSet::All => out.write_all(&documents.bytes)?,
            DocSet::These(_) => {
                for index in only.indexes(documents.len()) {
                    out.write_all(documents.document(index))?;
                }
            }
        }
        out.flush()
    }
}

impl Sink for Stdout {
    fn deliver(self: Arc<Self>, documents: Arc<Documents>, only: DocSet) -> BoxFuture<'static, Delivery> {
        Box::pin(async move {
            let (taken, which) = (documents.clone(), only.clone());
            let written = tokio::task::spawn_blocking(move || Self::write(&taken, &which)).await;
            match written {
                Ok(Ok(())) => Delivery::default(),
                // A pipe whose reader is gone, or a full disk behind a redirection that nobody can seek: a part of a
                // document may be out, so trying again would tear a line.
                Ok(Err(error)) => {
                    Delivery::gone(&documents, &only, SinkError::Stdout { cause: error.to_string() })
                }
                Err(error) => Delivery::retry_all(&documents, &only, &error.to_string()),
            }
        })
    }

    fn close(self: Arc<Self>) -> BoxFuture<'static, Result<(), SinkError>> {
        Box::pin(async {
            let flushed = tokio::task::spawn_blocking(|| std::io::stdout().lock().flush()).await;
            match flushed {
                Ok(Err(error)) => Err(SinkError::Stdout { cause: error.to_string() }),
                _ => Ok(()),
            }
        })
    }
}
