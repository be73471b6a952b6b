//! Who is there when: members of services are born, replaced, scaled and deployed, and addresses pass from one to another.
//!
//! It follows from the options alone and draws nothing, so that the same members live whatever the traffic is.

use std::collections::VecDeque;

use crate::generate::options::DAY;

use super::ground::{PRIVATE, SUBNETS, Vpc};
use super::nic::{Kind, Nic, Nics};
use super::options::FleetOptions;
use super::service::{Role, Service};

/// Members of a service that are deployed in six steps, ten minutes each.
const DEPLOY_STEPS: u64 = 6;
/// Seconds of a step, and of the grid on which members are replaced.
const STEP_SECONDS: u64 = 600;
/// Days of the week on which deploys happen, Monday being 0, in the order in which they are taken.
const DEPLOY_DAYS: [u64; 5] = [1, 3, 2, 0, 4];
/// One service in five is deployed blue/green: all members at once.
const BLUE_GREEN: usize = 5;

/// A place in a service that a member may fill.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    nic: Option<u32>,
    address: u32,
    dies: Option<u64>,
}

/// The members of all services.
#[derive(Debug)]
pub(super) struct Roster {
    slots: Vec<Vec<Slot>>,
    live: Vec<Vec<u32>>,
    /// Addresses that nobody has, by VPC and subnet, the longest unused first.
    free: Vec<[VecDeque<u32>; SUBNETS]>,
    life: u64,
    deploys: u64,
    autoscaling: bool,
    /// Seconds after a member's end in which its interface may still be logged.
    lingering: u64,
    born: Vec<u32>,
    ended: Vec<Nic>,
}

impl Roster {
    /// Everybody who is there at `start`, each somewhere in the midst of its life.
    pub(super) fn new(
        options: &FleetOptions,
        services: &[Service],
        vpcs: &[Vpc],
        nics: &mut Nics,
        start: u64,
    ) -> Self {
        let mut roster = Self {
            slots: services.iter().map(|service| vec![Slot::default(); service.size as usize]).collect(),
            live: vec![Vec::new(); services.len()],
            free: free_addresses(services, vpcs.len()),
            life: options.life_seconds,
            deploys: u64::from(options.deploys_per_week),
            autoscaling: options.autoscaling,
            lingering: u64::from(options.late_seconds) + 2 * STEP_SECONDS,
            born: Vec::new(),
            ended: Vec::new(),
        };
        for (index, service) in services.iter().enumerate() {
            for slot in 0..service.wanted(start, roster.autoscaling) {
                let left = (roster.life * u64::from(slot + 1) / u64::from(service.size))
                    .next_multiple_of(STEP_SECONDS);
                let age = roster.life.saturating_sub(left);
                roster.birth(nics, vpcs, (index, service), slot, start.saturating_sub(age), start);
            }
        }
        roster.born.clear();
        roster.count(services);
        roster
    }

    /// What changes at the beginning of the `length` seconds from `now` on.
    pub(super) fn turn(
        &mut self,
        services: &[Service],
        vpcs: &[Vpc],
        nics: &mut Nics,
        now: u64,
        length: u64,
    ) {
        self.born.clear();
        self.ended.clear();
        for (index, service) in services.iter().enumerate() {
            let wanted = service.wanted(now, self.autoscaling);
            for slot in 0..service.size {
                let Slot { nic, dies, .. } = self.slots[index][slot as usize];
                let stays = slot < wanted;
                let replaced =
                    dies.is_some_and(|dies| dies <= now) || self.deployed(index, service, slot, now, length);
                if nic.is_some() && (!stays || replaced) {
                    self.end(nics, service, (index, slot), now);
                }
                if stays && (nic.is_none() || replaced) {
                    self.birth(nics, vpcs, (index, service), slot, now, now);
                }
            }
        }
        if !(self.born.is_empty() && self.ended.is_empty()) {
            self.count(services);
        }
    }

    /// The members of a service.
    #[inline]
    pub(super) fn live(&self, service: u32) -> &[u32] {
        &self.live[service as usize]
    }

    /// The member in a slot of a service, if there is one.
    pub(super) fn member(&self, service: u32, slot: u32) -> Option<u32> {
        self.slots[service as usize].get(slot as usize).and_then(|slot| slot.nic)
    }

    /// Who was born in the last turn.
    pub(super) fn born(&self) -> &[u32] {
        &self.born
    }

    /// Whose life ended in the last turn.
    pub(super) fn ended(&self) -> &[Nic] {
        &self.ended
    }

    fn birth(
        &mut self,
        nics: &mut Nics,
        vpcs: &[Vpc],
        (index, service): (usize, &Service),
        slot: u32,
        born: u64,
        now: u64,
    ) {
        let subnet = subnet_of(slot);
        let kind = match service.role {
            Role::Lambda => Kind::Lambda,
            role if role.is_task() => Kind::Task,
            _ => Kind::Instance,
        };
        let address = self.free[service.vpc][subnet].pop_front().unwrap_or(0);
        let vpc = &vpcs[service.vpc];
        let mut nic = Nic::new(service.vpc, subnet, kind, index as u32, born);
        nic.four = vpc.address(subnet, address);
        nic.six = vpc.address_six(subnet, nics.next_serial());
        let nic = nics.add(nic, now);
        let mortal = service.role.is_replaceable() && self.life > 0;
        self.slots[index][slot as usize] =
            Slot { nic: Some(nic), address, dies: mortal.then_some(born + self.life) };
        self.born.push(nic);
    }

    fn end(&mut self, nics: &mut Nics, service: &Service, (index, slot): (usize, u32), now: u64) {
        let taken = std::mem::take(&mut self.slots[index][slot as usize]);
        if let Some(nic) = taken.nic {
            self.free[service.vpc][subnet_of(slot)].push_back(taken.address);
            self.ended.push(nics.get(nic).clone());
            nics.retire(nic, now + self.lingering);
        }
    }

    /// Whether a deploy replaces the member in `slot` in the `length` seconds from `now` on.
    fn deployed(&self, index: usize, service: &Service, slot: u32, now: u64, length: u64) -> bool {
        if !service.role.is_replaceable() || self.deploys == 0 {
            return false;
        }
        let day = (now / DAY + 3) % 7;
        let steps = if index % BLUE_GREEN == BLUE_GREEN - 1 { 1 } else { DEPLOY_STEPS };
        let step = u64::from(slot) * steps / u64::from(service.size);
        let moment = 9 * 3_600 + (index as u64 * 5 % 36 + step) * STEP_SECONDS;
        let today = DEPLOY_DAYS[..self.deploys as usize].contains(&day);
        today && (now % DAY..now % DAY + length).contains(&moment)
    }

    fn count(&mut self, services: &[Service]) {
        for index in 0..services.len() {
            self.live[index].clear();
            self.live[index].extend(self.slots[index].iter().filter_map(|slot| slot.nic));
        }
    }
}

/// Slots go to the private subnets of both zones by turns.
fn subnet_of(slot: u32) -> usize {
    PRIVATE + slot as usize % 2
}

/// As many addresses as there are slots, and a few more.
fn free_addresses(services: &[Service], vpcs: usize) -> Vec<[VecDeque<u32>; SUBNETS]> {
    let mut sums = vec![[0_u32; SUBNETS]; vpcs];
    for service in services {
        for slot in 0..service.size {
            sums[service.vpc][subnet_of(slot)] += 1;
        }
    }
    sums.iter().map(|subnets| subnets.map(|slots| (0..slots + slots / 8 + 8).collect())).collect()
}
