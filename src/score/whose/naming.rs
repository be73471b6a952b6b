//! Naming: the slow way from a record to the entity that it is scored for, by what the record and the assets call it.

use std::sync::Arc;

use crate::{
    event::{Asset, AssetClass, EntityKind, EntityName},
    score::{
        gate::plan::{Change, EntityRef},
        keys::Key,
        usual::peers::SharedPeers,
    },
};

use super::{
    address::{self, End},
    addresses::Whose,
    attribution::{Asked, Attribution, asset_of},
    identity::{Who, who},
    registry::{EVERYONE, Told, entity_key, entity_name},
};

/// A name that is to be looked up or made.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    kind: EntityKind,
    key: Key,
}

// === impl Attribution ===

impl Attribution {
    /// The entity of an interface's own record, by name.
    #[cold]
    pub(in crate::score) fn resolve(
        &mut self,
        asked: &Asked<'_>,
        changes: &mut Vec<Change>,
        peers: &SharedPeers,
    ) -> Option<(EntityRef, u32)> {
        let Asked { record, own, class, interface, learn, .. } = *asked;
        let asset = asset_of(record, own.side);
        self.write_scope(record, asset);
        let wanted = match who(&self.identity, Some(record), asset.map(|asset| &**asset), &mut self.name)? {
            Who::Named(kind) => self.wanted(kind, class),
            Who::Address => self.wanted_address(own.end, (class, interface), learn)?,
        };
        let found = self.enlist(asked, wanted, asset, changes, peers)?;
        if learn {
            self.note_address(asked, wanted, found.0);
        }
        Some(found)
    }

    /// The entity behind a gateway whose record is asked about. `memory` is the key under which its address is remembered.
    #[inline]
    pub(super) fn find_behind(
        &mut self,
        asked: &Asked<'_>,
        memory: Key,
        changes: &mut Vec<Change>,
        peers: &SharedPeers,
    ) -> Option<(EntityRef, u32)> {
        let place = match self.registry.recall(memory) {
            Some(place) => place.map(EntityRef::bits),
            None => self.find_address(asked, memory),
        };
        let whose = place.map_or(Whose::Waiting, |place| self.addresses.whose(place, asked.window));
        match whose {
            Whose::Entity(entity) => Some((entity, 0)),
            Whose::Open | Whose::Waiting => {
                self.resolve_behind(asked, place, whose == Whose::Open, changes, peers)
            }
        }
    }

    /// The place of the address that is asked about.
    #[cold]
    fn find_address(&mut self, asked: &Asked<'_>, memory: Key) -> Option<u32> {
        self.scope_behind(asked);
        let key = self.keys.of_address(&self.scope, asked.own.end.address);
        if !asked.learn {
            return self.addresses.find(key);
        }
        let place = self.addresses.enter(key, asked.window);
        self.registry.remember(memory, Some(EntityRef::from_bits(place)));
        Some(place)
    }

    /// The entity behind a gateway of which no record of its own interface has told, by its asset or its address; it is made
    /// only where its address is `open`.
    #[cold]
    fn resolve_behind(
        &mut self,
        asked: &Asked<'_>,
        place: Option<u32>,
        open: bool,
        changes: &mut Vec<Change>,
        peers: &SharedPeers,
    ) -> Option<(EntityRef, u32)> {
        let Asked { record, own, interface, window, learn, .. } = *asked;
        let asset = asset_of(record, own.side);
        let class = asset.and_then(|asset| asset.class);
        self.scope_behind(asked);
        let wanted = match who(&self.identity, None, asset.map(|asset| &**asset), &mut self.name)? {
            Who::Named(kind) => self.wanted(kind, class),
            Who::Address => {
                self.name.clear();
                address::write(own.end.address, &mut self.name);
                self.wanted(EntityKind::Address, class)
            }
        };
        let has_room = interface.is_none_or(|place| self.interfaces.get(place).has_room());
        let may_begin = open && has_room;
        if !self.registry.knows(wanted.key) && !may_begin {
            return None;
        }
        let found = self.enlist(&Asked { class, ..*asked }, wanted, asset, changes, peers)?;
        if let (true, Some(place)) = (learn, place) {
            self.addresses.settle(place, (found.0, wanted.key), window);
        }
        Some(found)
    }

    /// Writes the scope of what is behind the gateway: the record's, with the VPC of either side's asset.
    fn scope_behind(&mut self, asked: &Asked<'_>) {
        let side = asked.own.side;
        let asset = asset_of(asked.record, side).or_else(|| asset_of(asked.record, side.other()));
        self.write_scope(asked.record, asset);
    }

    /// Notes whose the own address is, for what gateways say of it: where its name is more than the address, or where it
    /// was more before.
    fn note_address(&mut self, asked: &Asked<'_>, wanted: Wanted, entity: EntityRef) {
        if !asked.own.end.inside {
            return;
        }
        let plain =
            wanted.kind == EntityKind::Address && !asked.class.is_some_and(AssetClass::passes_traffic);
        if plain && self.addresses.is_empty() {
            return;
        }
        let key = self.keys.of_address(&self.scope, asked.own.end.address);
        let place =
            if plain { self.addresses.find(key) } else { Some(self.addresses.enter(key, asked.window)) };
        if let Some(place) = place {
            self.addresses.settle(place, (entity, wanted.key), asked.window);
        }
    }

    /// The entity that is wanted, which is made if there is none.
    fn enlist(
        &mut self,
        asked: &Asked<'_>,
        wanted: Wanted,
        asset: Option<&Arc<Asset>>,
        changes: &mut Vec<Change>,
        peers: &SharedPeers,
    ) -> Option<(EntityRef, u32)> {
        let Asked { class, interface, learn, .. } = *asked;
        let gateway = class.filter(|class| class.passes_traffic());
        let role = asset.and_then(|asset| asset.role.as_deref()).filter(|role| !role.is_empty());
        // Those that pass on what others send are compared with their like.
        let group = gateway.map(AssetClass::name).or(role);
        if let Some(place) = self.registry.find_again(wanted.key) {
            let Told { role, class: known, number } = place.told;
            let told = Told { role: role || group.is_some(), class: known.or(class), number };
            if !learn || told == place.told {
                return Some((place.entity, 0));
            }
            self.registry.tell(wanted.key, told);
            let joins = told.role != place.told.role;
            return Some((place.entity, self.change(wanted, (group, joins), told.class, changes, peers)));
        }
        if !learn {
            return None;
        }
        let number = EntityName::number_of((wanted.kind, &self.name, &self.scope));
        let told = Told { role: group.is_some(), class, number };
        let Some(entity) = self.registry.add(wanted.key, told) else {
            self.refused += 1;
            return None;
        };
        if let (EntityKind::Address, Some(place)) = (wanted.kind, interface) {
            self.interfaces.change(place).made.insert(&self.keys, asked.own.end.address);
        }
        Some((entity, self.change(wanted, (group, true), class, changes, peers)))
    }

    /// The entity of `kind` that is called what the name buffer says.
    fn wanted(&self, kind: EntityKind, class: Option<AssetClass>) -> Wanted {
        Wanted { kind, key: entity_key(&self.keys, (kind.name(), &self.name, &self.scope), class) }
    }

    /// The entity that stands for the own address: the address itself, or the interface where it has too many, or where
    /// the address may be anybody's.
    fn wanted_address(
        &mut self,
        own: End,
        (class, interface): (Option<AssetClass>, Option<u32>),
        learn: bool,
    ) -> Option<Wanted> {
        let End { address: own, inside } = own;
        let ours = inside
            || interface.is_some_and(|place| match learn {
                true => self.interfaces.owns_stranger(place, own),
                false => self.interfaces.get(place).strangers.contains(&own),
            });
        if ours {
            self.name.clear();
            address::write(own, &mut self.name);
            let wanted = self.wanted(EntityKind::Address, class);
            let known = self.registry.knows(wanted.key);
            if known || interface.is_none_or(|place| self.interfaces.get(place).has_room()) {
                return Some(wanted);
            }
        }
        self.name.clear();
        self.name.push_str(&self.interfaces.get(interface?).name);
        Some(self.wanted(EntityKind::Interface, class))
    }

    /// Plans that the entity gets this name, and these peers where it `joins` them, and returns the number of that change.
    fn change(
        &mut self,
        wanted: Wanted,
        (group, joins): (Option<&str>, bool),
        class: Option<AssetClass>,
        changes: &mut Vec<Change>,
        peers: &SharedPeers,
    ) -> u32 {
        let group = group.unwrap_or(EVERYONE);
        let scope = std::mem::take(&mut self.scope);
        let pool = joins.then(|| self.pool(&scope, group, peers));
        let name = entity_name((wanted.kind, &self.name, &scope), group, class);
        self.scope = scope;
        changes.push(Change { key: wanted.key, name, pool });
        changes.len() as u32
    }
}
