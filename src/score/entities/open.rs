//! An open window: what was seen of an entity in ten minutes that have not folded, and what it has raised.

use std::{net::IpAddr, sync::Arc};

use crate::{
    event::{Activity, Asset},
    score::grid::{Narrow, Window},
};

use super::{amounts::Twofold, series::FEATURES};

/// A window that has not folded.
#[derive(Debug)]
pub(in crate::score) struct Open {
    window: Narrow,
    pub(in crate::score) amounts: Twofold,
    pub(in crate::score) raised: Option<Box<Raised>>,
    /// All its events, where they are counted and summed up.
    pub(in crate::score) activity: Option<Box<Activity>>,
}

/// The findings that a window has raised, and the physical thing that it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::score) struct Raised {
    /// By feature: floor(log10) of the value that the last document named.
    pub(in crate::score) magnitude: [Option<u8>; FEATURES],
    pub(in crate::score) interface: Option<Box<str>>,
    pub(in crate::score) instance: Option<Box<str>>,
    pub(in crate::score) address: Option<IpAddr>,
    pub(in crate::score) peer: Option<IpAddr>,
    pub(in crate::score) asset: Option<Arc<Asset>>,
}

// Every host that is awake has two at a time.
const _: () = assert!(size_of::<Open>() == 192);

// === impl Open ===

impl Open {
    /// A window in which nothing was seen yet.
    pub(in crate::score) fn new(window: Window) -> Self {
        Self { window: Narrow::of(window), amounts: Twofold::default(), raised: None, activity: None }
    }

    /// Which window it is.
    #[inline]
    pub(in crate::score) fn window(&self) -> Window {
        self.window.window()
    }

    /// The features' values so far.
    #[inline]
    pub(in crate::score) fn values(&self) -> [u64; FEATURES] {
        self.amounts.values()
    }

    /// Reads the lines of the processor's cache that it lies on.
    #[inline]
    pub(super) fn warm(&self) -> u64 {
        self.amounts.warm() ^ u64::from(self.raised.is_some())
    }
}
