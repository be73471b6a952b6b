//! Entering: what a record comes to, in the plan of its batch: observations of entities, contacts with the outside, legs of sessions.

use crate::score::{
    fringe::{Contact, shard_of},
    grid::Window,
    sessions::leg::{self, Who},
    whose::own::Side,
};

use super::{
    Gate,
    plan::{EntityRef, Plan, Standing, Vantage},
};

// === impl Gate ===

impl Gate {
    /// Enters what the event at `index`, the `nth` of the few, says into the plan: of whom it is about, and of the gateway
    /// beside that one.
    #[inline]
    pub(super) fn enter_all(
        &mut self,
        (index, nth): (usize, usize),
        times: (Window, i64, Standing),
        whose: (EntityRef, Side, u32, Vantage),
        plan: &mut Plan,
    ) {
        self.enter((index, nth), times, whose, plan);
        if let Some((gateway, side, change)) = self.attribution.beside(nth) {
            self.enter((index, nth), times, (gateway, side, change, Vantage::Beside), plan);
            if times.2 == Standing::Learned {
                self.openings.enter(gateway, times.0);
            }
        }
    }

    /// Enters what the event says of one entity.
    #[inline]
    fn enter(
        &self,
        (index, nth): (usize, usize),
        (window, end, standing): (Window, i64, Standing),
        (entity, side, change, vantage): (EntityRef, Side, u32, Vantage),
        plan: &mut Plan,
    ) {
        let said = &self.said[nth];
        let peer = self.attribution.ends_of(nth).map(|ends| ends.opposite(side));
        let whose = (entity.slot(), side, change, vantage);
        let seen = said.observation((window, standing), index, whose, (peer, &self.dedup.addresses));
        plan.observations[entity.shard()].push(seen);
        if standing == Standing::Learned {
            let name = self.attribution.registry.name(entity);
            let contact = said.contact((window, end), (name, side), peer, &self.dedup.outside);
            // What a gateway passes on is logged where it began too; what the outside begins ends at a load balancer.
            let is_first = |contact: &Contact| {
                vantage == Vantage::Own || vantage == Vantage::Gateway && !contact.initiated
            };
            if let Some(contact) = contact.filter(is_first) {
                plan.contacts[shard_of(contact.hash)].push(contact);
            }
            // Beside its gateway's the record counts for somebody whose leg it is.
            if let Some(tuples) = &self.tuples
                && vantage != Vantage::Beside
                && let Some(ends) = self.attribution.ends_of(nth)
            {
                let who = Who::new(entity, self.attribution.registry.number(entity));
                let whose = (who, side, vantage);
                let leg = said.leg((window, end), whose, ends, &tuples.mixer);
                plan.legs[leg::shard_of(leg.hash)].push(leg);
            }
        }
    }
}
