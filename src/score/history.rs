//! History: what an archive of flow logs says, gathered in any order and then learned in the order of time.
//!
//! The first pass reads every record once and adds it to a [`Table`]: one sum of features for each window of whomever the
//! record may be about. Sums, sets and sketches commute, so neither the order of files nor the number of threads matters,
//! and tables that were made apart merge into the one that a single reading makes. Which address of an interface is its
//! own shows only when everything was read, so a record that may be about either side is kept for both until then.
//!
//! A record at a gateway is kept for the host behind it, apart from what that one's own interfaces saw, and for the gateway: as
//! scoring has it, and so is whose an address was in which window (`behind`). A gateway is known by its records and by its
//! asset. By its traffic alone, as scoring knows it after an hour, it is not: that shows only when everything was read, and
//! every record of every interface that translates anything would have to be kept twice until then. Such a gateway is
//! learned as what it seems to be, a host of its own.
//!
//! The second pass runs over the table: it decides who is who (`resolve`), asks of each entity which of its windows stand
//! out against all the others (`robust`), and then lets the windows fold one after the other as they would have live
//! (`settle`), without those.

mod behind;
mod candidate;
mod counts;
mod interface;
mod ledger;
mod report;
mod resolve;
mod robust;
mod rows;
mod settle;
mod table;
mod wire;

pub use counts::Counts;
pub use report::{Coverage, EntityCounts, Gap, HeldOut, Past, Period, Report};
pub use settle::{Learned, settle};
pub use table::Table;

pub(super) use ledger::Ledger;
