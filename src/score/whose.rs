//! Whose traffic a record is: from its own side, its interface, its assets and the gateways between, to an entity.

pub(super) mod address;
pub(super) mod addresses;
pub(super) mod attribution;
pub(super) mod evidence;
pub(super) mod identity;
pub(super) mod interfaces;
pub(super) mod made;
pub(super) mod memo;
pub(super) mod naming;
pub(super) mod own;
pub(super) mod registry;
pub(super) mod sighting;
pub(super) mod strangers;
pub(super) mod tenant;
pub(super) mod vantage;
