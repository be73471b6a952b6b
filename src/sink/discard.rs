//! Nowhere: for measuring what everything before the sink costs.

use std::sync::Arc;

use super::{Delivery, DocSet, Sink, SinkError};
use crate::{event::Documents, pipe::BoxFuture};

/// Takes every document and keeps none; the books count their bytes.
#[derive(Debug)]
pub struct Discard;

// === impl Discard ===

impl Sink for Discard {
    fn deliver(self: Arc<Self>, _: Arc<Documents>, _: DocSet) -> BoxFuture<'static, Delivery> {
        Box::pin(std::future::ready(Delivery::default()))
    }

    fn close(self: Arc<Self>) -> BoxFuture<'static, Result<(), SinkError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
