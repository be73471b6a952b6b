//! What is remembered of one stream while it is resolved.

use std::{collections::BTreeMap, sync::Arc};

use super::{observation::Tides, vpc_flow::Learning};
use crate::{
    codec::Opener,
    event::{Layout, Origin},
};

/// What is remembered of one stream: an origin of a source.
#[derive(Debug, Default)]
pub struct StreamState {
    /// The layout that somebody named for its next entry; `None` where it has to be learned.
    pub(super) layout: Option<Named>,
    /// The same for the log groups of CloudWatch Logs whose log events it carries.
    pub(super) groups: BTreeMap<Origin, Named>,
    /// The layout of the objects that came last, and the names of their members.
    pub(super) objects: Option<(String, Arc<Layout>)>,
    /// Opens JSON; lent by the resolver while a chunk is resolved.
    pub(super) opener: Opener,
    /// Layouts that came into use since the resolver last looked.
    pub(super) news: Vec<Named>,
    /// What was ignored since the resolver last looked.
    pub(super) ignored: Ignored,
    noted: Vec<Named>,
    /// What is learned of its lines, and the chunks that wait for it; `None` while every line has a named layout.
    pub(super) learning: Option<Box<Learning>>,
    /// How far the streams have come that are put together in this one.
    pub(super) tides: Option<Tides>,
    /// What a person should know since the resolver last looked.
    pub(super) advice: Vec<String>,
}

/// A layout for entries, and how it was found.
pub(super) type Named = (Arc<Layout>, How);

/// How many layouts are remembered as noted: streams that change between a few do not repeat themselves.
const NOTED_MAX: usize = 32;

/// How a layout was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// The stream's header line names its columns.
    Header,
    /// The config names them.
    Configured,
    /// The record came back from quarantine with its format.
    Replayed,
    /// The lines say that they have one of AWS's default formats.
    Default,
    /// The entries are objects: their members name the fields.
    Members,
    /// It is the only layout of the source's other streams that fits.
    SeenBefore,
    /// What is in the columns leaves no other choice.
    Learned {
        /// The records that it was learned from.
        records: u64,
    },
}

impl How {
    /// Whether a header line named the columns, now or when the record came first.
    #[must_use]
    pub fn is_named(self) -> bool {
        matches!(self, Self::Header | Self::Replayed)
    }
}

impl std::fmt::Display for How {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Header => "by its header line",
            Self::Configured => "by the config",
            Self::Replayed => "by the quarantined record",
            Self::Default => "AWS's default format",
            Self::Members => "by its members",
            Self::SeenBefore => "as another stream of the source has it",
            Self::Learned { records } => return write!(f, "learned from {records} records"),
        })
    }
}

/// Lines that are no entries to parse.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Ignored {
    /// Header lines.
    pub headers: u64,
    /// Lines of white space only.
    pub blanks: u64,
    /// Records that hold control messages only.
    pub controls: u64,
}

// === impl StreamState ===

impl StreamState {
    /// Notes that entries are read with `layout`; what was noted lately is not noted again.
    pub(super) fn note(&mut self, layout: &Arc<Layout>, how: How) {
        let known = |(noted, noted_how): &Named| Arc::ptr_eq(noted, layout) && *noted_how == how;
        if self.noted.iter().any(known) {
            return;
        }
        if self.noted.len() == NOTED_MAX {
            self.noted.remove(0);
        }
        self.news.push((layout.clone(), how));
        self.noted.push((layout.clone(), how));
    }
}

// === impl How ===

impl How {
    /// Its name in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Configured => "configured",
            Self::Replayed => "replayed",
            Self::Default => "default",
            Self::Members => "members",
            Self::SeenBefore => "seen_before",
            Self::Learned { .. } => "learned",
        }
    }
}
