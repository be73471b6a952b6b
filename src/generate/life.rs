//! Ordinary life: who makes which traffic, in the order that fixes each actor's stream of draws.

mod channel;
mod clients;
mod operations;
mod scan;
mod upkeep;

pub(super) use scan::{Blindness, Scanners, knock};

use channel::Channel;
use clients::Clients;
use operations::{Administrators, Monitoring};
use upkeep::Upkeep;

use super::actor::Actor;
use super::estate::{Estate, PRIMARY, REPORTS, Role};

/// Everybody of the estate but for backups, scanners and the intruder.
pub(super) fn actors(estate: &Estate) -> Vec<Box<dyn Actor>> {
    let web = estate.with(&[Role::Web]);
    let apps = estate.with(&[Role::App]);
    let databases = estate.with(&[Role::Postgres, Role::MySql]);
    let mut actors: Vec<Box<dyn Actor>> = Vec::new();
    for (ordinal, host) in web.iter().enumerate() {
        actors.push(Box::new(Clients { web: *host }));
        let app = apps[ordinal % apps.len()];
        actors.push(Box::new(Channel::new(*host, app, 8080).carrying(60_000, 350_000)));
    }
    for (ordinal, app) in apps.iter().enumerate() {
        let database = databases[ordinal % databases.len()];
        actors.push(Box::new(queries(estate, *app, database)));
        let other = databases[(ordinal + 1) % databases.len()];
        actors.push(Box::new(queries(estate, *app, other).present(250)));
    }
    actors.push(Box::new(Channel::new(REPORTS, PRIMARY, 3306).carrying(12_000, 400_000)));
    for host in estate.instances() {
        actors.push(Box::new(Upkeep { host }));
    }
    actors.push(Box::new(Monitoring::new(estate)));
    actors.push(Box::new(Administrators::new(estate)));
    actors
}

/// An application's queries: small, with small replies.
fn queries(estate: &Estate, app: u32, database: u32) -> Channel {
    let port = if estate.role(database) == Role::Postgres { 5432 } else { 3306 };
    Channel::new(app, database, port).carrying(40_000, 140_000)
}
