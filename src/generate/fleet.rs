//! A fleet: an AWS estate of several accounts, regions and VPCs, with services whose members come and go.
//!
//! What is there follows from the options alone: the ground ([`ground`]), the services ([`service`]), who is a member when
//! ([`roster`]), what stays in each VPC ([`site`]). Who talks to whom is a table of links ([`plan`], [`link`]), beside which
//! stand duties, noise and attacks; all are actors with draws of their own. A flow is logged at every interface on its way
//! ([`vantage`]), each second of delivery waits in a place of its own ([`late`]), and nothing grows with the span.

mod actor;
mod attack;
mod describe;
mod duty;
mod ground;
mod label;
mod late;
mod link;
mod nic;
mod noise;
mod options;
mod plan;
mod roster;
mod run;
mod scenario;
mod service;
mod sheets;
mod site;
mod text;
mod truth;
mod vantage;

pub use attack::Attack;
pub use options::{FleetOptions, TruthKey};
pub use run::{FleetOutputs, FlowsTo, write_fleet};

use super::options::Options;

use ground::Vpc;
use nic::Nics;
use roster::Roster;
use service::{Role, Service};
use site::Site;

/// Everything that is there at one moment.
#[derive(Debug)]
struct Fleet {
    vpcs: Vec<Vpc>,
    services: Vec<Service>,
    nics: Nics,
    sites: Vec<Site>,
    roster: Roster,
    /// Factor of all links' rates, in thousandths.
    scale: u64,
}

impl Fleet {
    /// The fleet of `options` at their start.
    fn new(options: &Options) -> Self {
        let vpcs = ground::vpcs(&options.fleet);
        let services = service::services(&options.fleet, options.hosts, &vpcs);
        let mut nics = Nics::default();
        let site = |(place, vpc)| Site::new(place, vpc, &services, &mut nics, options.start);
        let sites = vpcs.iter().enumerate().map(site).collect();
        let roster = Roster::new(&options.fleet, &services, &vpcs, &mut nics, options.start);
        let scale = plan::scale(options, &services, &plan::links(&services, &vpcs));
        Self { vpcs, services, nics, sites, roster, scale }
    }

    /// What changes at the beginning of the `length` seconds from `now` on.
    fn turn(&mut self, now: u64, length: u64) {
        self.roster.turn(&self.services, &self.vpcs, &mut self.nics, now, length);
    }

    /// What VPC number `vpc` has beside its services.
    fn site(&self, vpc: usize) -> &Site {
        &self.sites[vpc]
    }

    /// All services of a role with their indexes.
    fn with(&self, role: Role) -> impl Iterator<Item = (u32, &Service)> {
        (0_u32..).zip(&self.services).filter(move |(_, service)| service.role == role)
    }
}

#[cfg(test)]
mod tests;
