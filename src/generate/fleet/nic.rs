//! Interfaces: what is known of each, and the table of those that live or were logged a short while ago.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::generate::estate::{numbered_instance, numbered_interface};

/// What an interface belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An instance.
    Instance,
    /// A task of ECS on Fargate.
    Task,
    /// A function in the VPC.
    Lambda,
    /// One zone of an application load balancer.
    LoadBalancer,
    /// A NAT gateway.
    Nat,
    /// An interface endpoint.
    Endpoint,
    /// One zone of a transit gateway's attachment.
    Transit,
    /// An instance's second interface, which nobody uses.
    Spare,
}

/// No service stands behind the interface.
pub(super) const NO_SERVICE: u32 = u32::MAX;

/// An interface.
#[derive(Debug, Clone)]
pub(super) struct Nic {
    pub(super) vpc: usize,
    pub(super) subnet: usize,
    pub(super) kind: Kind,
    /// Index of the service it is a member of, or [`NO_SERVICE`].
    pub(super) service: u32,
    /// No two interfaces of a run have the same.
    pub(super) serial: u64,
    pub(super) four: Ipv4Addr,
    pub(super) six: Ipv6Addr,
    /// The elastic or public address by which the Internet knows it.
    pub(super) public: Option<Ipv4Addr>,
    /// First second of its life, in seconds since 1970.
    pub(super) born: u64,
    pub(super) id: [u8; 21],
    pub(super) instance: Option<[u8; 19]>,
}

/// The interfaces by index. An index is given to another interface only when no record of the old one can be under way.
#[derive(Debug, Default)]
pub(super) struct Nics {
    all: Vec<Nic>,
    gone: VecDeque<(u64, u32)>,
    serial: u64,
}

impl Kind {
    /// Whether it is a thing that acts for itself and not one that passes on what others send.
    pub(super) fn is_workload(self) -> bool {
        matches!(self, Self::Instance | Self::Task | Self::Lambda)
    }

    /// Whether it reaches the Internet by itself.
    pub(super) fn is_public(self) -> bool {
        matches!(self, Self::LoadBalancer | Self::Nat)
    }

    /// What `interface-type` says, which names only some kinds.
    pub(super) fn flow_log_type(self) -> &'static str {
        match self {
            Self::Nat => "nat_gateway",
            Self::Endpoint => "vpc_endpoint",
            Self::Transit => "transit_gateway",
            _ => "-",
        }
    }
}

impl Nic {
    /// An interface that lives from `born` on; the table gives it its number and its ids.
    pub(super) fn new(vpc: usize, subnet: usize, kind: Kind, service: u32, born: u64) -> Self {
        Self {
            vpc,
            subnet,
            kind,
            service,
            serial: 0,
            four: Ipv4Addr::UNSPECIFIED,
            six: Ipv6Addr::UNSPECIFIED,
            public: None,
            born,
            id: numbered_interface(0),
            instance: None,
        }
    }
}

impl Nics {
    /// The interface of an index.
    #[inline]
    pub(super) fn get(&self, index: u32) -> &Nic {
        &self.all[index as usize]
    }

    /// Takes an interface that begins at `now`, numbers it, and says its index.
    pub(super) fn add(&mut self, mut nic: Nic, now: u64) -> u32 {
        self.serial += 1;
        nic.serial = self.serial;
        // The company of the other profile has the numbers below.
        let number = self.serial + (1 << 32);
        nic.id = numbered_interface(number);
        let has_instance = matches!(nic.kind, Kind::Instance | Kind::Spare);
        nic.instance = has_instance.then(|| numbered_instance(number));
        match self.gone.front() {
            Some((free, index)) if *free <= now => {
                let index = *index;
                self.gone.pop_front();
                self.all[index as usize] = nic;
                index
            }
            _ => {
                self.all.push(nic);
                (self.all.len() - 1) as u32
            }
        }
    }

    /// The serial number that the next interface gets.
    pub(super) fn next_serial(&self) -> u64 {
        self.serial + 1
    }

    /// Lets the index be used again from `free` on. Calls come in the order of `free`.
    pub(super) fn retire(&mut self, index: u32, free: u64) {
        self.gone.push_back((free, index));
    }

    /// How many indexes there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}
