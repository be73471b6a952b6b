//! The plan of a fleet: which links its services have, and how many conversations make the lines that are asked for.

use crate::generate::internet::{AGENTS, MIRROR, Outside, PARTNER, QUEUES, STORAGE, TABLES};
use crate::generate::options::Options;
use crate::generate::record::Service as Cloud;

use super::ground::Vpc;
use super::link::{From, Hours, Link, To};
use super::service::{Role, Service};

/// Thousandths: rates as they are written here.
const UNCHANGED: u64 = 1_000;
/// Largest factor, in thousandths.
const SCALE_MAX: u64 = 100_000_000;

/// What most links begin with: over HTTPS, with the rhythm.
const ORDINARY: Link = Link {
    from: From::Clients(0),
    to: To::Endpoint,
    port: 443,
    rate_milli: 0,
    hours: Hours::Rhythm,
    open: false,
    up: 0,
    down: 0,
    sigma: 60,
};

/// All links, in an order that fixes each one's stream of draws.
pub(super) fn links(services: &[Service], vpcs: &[Vpc]) -> Vec<Link> {
    let mut links = Vec::new();
    for (place, vpc) in vpcs.iter().enumerate() {
        let with = |role: Role| with_role(services, place, role);
        let beyond: Vec<u32> =
            vpc.partner.map_or_else(Vec::new, |other| with_role(services, other, Role::App));
        let (apps, databases, caches) = (with(Role::App), with(Role::Database), with(Role::Cache));
        for (ordinal, web) in with(Role::Web).into_iter().enumerate() {
            web_links(&mut links, web, turn(&apps, ordinal), turn(&caches, ordinal));
        }
        for (ordinal, app) in apps.iter().enumerate() {
            let (database, cache) = (turn(&databases, ordinal), turn(&caches, ordinal));
            app_links(&mut links, *app, database, cache, turn(&beyond, ordinal));
        }
        for database in &databases {
            let replicates = open(*database, To::Primary(*database), 5_432, 60_000, 2_000_000);
            links.push(Link { hours: Hours::Steady, ..replicates });
        }
        for role in [Role::Batch, Role::Worker, Role::Lambda] {
            for (ordinal, service) in with(role).into_iter().enumerate() {
                work_links(&mut links, service, role, turn(&databases, ordinal));
            }
        }
    }
    for (index, service) in services.iter().enumerate() {
        if service.role != Role::Lambda {
            upkeep_links(&mut links, index as u32);
        }
    }
    links
}

fn web_links(links: &mut Vec<Link>, web: u32, app: Option<u32>, cache: Option<u32>) {
    let serves = Link { from: From::Clients(web), to: To::Endpoint, port: 8_080, ..ORDINARY };
    links.push(Link { rate_milli: 4_000, up: 5_000, down: 150_000, sigma: 80, ..serves });
    let probes =
        Link { from: From::Balancer(web), rate_milli: 2_000, up: 1_400, down: 2_200, sigma: 5, ..serves };
    links.push(Link { hours: Hours::Steady, ..probes });
    if let Some(app) = app {
        links.push(Link { port: 8_080, ..member(web, To::Members(app), 4_000, 3_000, 30_000) });
    }
    if let Some(cache) = cache {
        links.push(open(web, To::Members(cache), 6_379, 40_000, 200_000));
    }
}

fn app_links(
    links: &mut Vec<Link>,
    app: u32,
    database: Option<u32>,
    cache: Option<u32>,
    beyond: Option<u32>,
) {
    if let Some(database) = database {
        links.push(open(app, To::Primary(database), 5_432, 60_000, 300_000));
        links.push(Link { port: 5_432, ..member(app, To::Members(database), 1_500, 4_000, 60_000) });
    }
    if let Some(cache) = cache {
        links.push(open(app, To::Members(cache), 6_379, 30_000, 120_000));
    }
    if let Some(beyond) = beyond {
        links.push(Link { port: 8_080, ..member(app, To::Members(beyond), 600, 3_000, 20_000) });
    }
    let outside =
        [(PARTNER, 400, 6_000, 12_000), (STORAGE, 400, 200_000, 20_000), (TABLES, 600, 3_000, 9_000)];
    for (to, rate, up, down) in outside {
        links.push(member(app, To::Outside(to), rate, up, down));
    }
}

fn work_links(links: &mut Vec<Link>, service: u32, role: Role, database: Option<u32>) {
    let (hours, rate, down) = match role {
        Role::Batch => (Hours::Night(u64::from(service) % 4 + 1), 6_000, 4_000_000),
        Role::Worker => (Hours::Rhythm, 2_000, 60_000),
        _ => (Hours::Rhythm, 1_500, 20_000),
    };
    if let Some(database) = database {
        let reads = member(service, To::Members(database), rate, 4_000, down);
        links.push(Link { port: 5_432, hours, ..reads });
    }
    if role == Role::Worker {
        links.push(member(service, To::Outside(QUEUES), 1_500, 2_000, 6_000));
    }
    links.push(Link { hours, ..member(service, To::Outside(STORAGE), rate / 3, down / 4, 8_000) });
    links.push(Link { hours: Hours::Steady, ..member(service, To::Endpoint, 300, 2_000, 4_000) });
}

/// What every member does by itself: its agent phones home, it ships its logs, and looks for packages.
fn upkeep_links(links: &mut Vec<Link>, service: u32) {
    let agent = open(service, To::Outside(AGENTS), 443, 18_000, 6_000);
    links.push(Link { hours: Hours::Steady, sigma: 15, ..agent });
    links.push(Link { hours: Hours::Steady, ..member(service, To::Endpoint, 500, 40_000, 4_000) });
    links.push(Link { hours: Hours::Steady, ..member(service, To::Outside(MIRROR), 10, 2_400, 700_000) });
}

fn member(service: u32, to: To, rate_milli: u64, up: u64, down: u64) -> Link {
    Link { from: From::Members(service), to, rate_milli, up, down, ..ORDINARY }
}

/// A connection that stays open, and is there in every interval.
fn open(service: u32, to: To, port: u16, up: u64, down: u64) -> Link {
    Link { port, open: true, sigma: 30, ..member(service, to, 1_000, up, down) }
}

fn with_role(services: &[Service], place: usize, role: Role) -> Vec<u32> {
    let found = services.iter().enumerate().filter(|(_, of)| of.vpc == place && of.role == role);
    found.map(|(index, _)| index as u32).collect()
}

/// One of `services` after the other, round and round.
fn turn(services: &[u32], ordinal: usize) -> Option<u32> {
    services.get(ordinal % services.len().max(1)).copied()
}

/// The factor, in thousandths, by which rates are multiplied so that a week has the lines that `options` ask for.
pub(super) fn scale(options: &Options, services: &[Service], links: &[Link]) -> u64 {
    let fleet = &options.fleet;
    if fleet.lines_per_day == 0 {
        return UNCHANGED;
    }
    // What is rejected comes on top, in proportion.
    let wanted = fleet.lines_per_day * 7 * (1_000 - u64::from(options.rejected_permille)) / 1_000;
    let (mut low, mut high) = (0, SCALE_MAX);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if lines_of_a_week(options, services, links, middle) > wanted {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

/// Lines that links make in the week from `start` on, hour by hour.
fn lines_of_a_week(options: &Options, services: &[Service], links: &[Link], scale: u64) -> u64 {
    let length = u64::from(options.aggregation_seconds);
    let mut milli: u128 = 0;
    for link in links {
        let service = &services[link.service() as usize];
        let mut sum = 0;
        for hour in 0..7 * 24 {
            let time = options.start + hour * 3_600;
            let level = (link.hours.level(service, time) + link.hours.level(service, time + 3_599)) / 2;
            let members = u64::from(service.wanted(time, options.fleet.autoscaling));
            sum += members * link.milli(scale, level, length);
        }
        milli += u128::from(sum) * u128::from(lines_of(link, services));
    }
    (milli * u128::from(3_600 / length) / 1_000) as u64
}

/// Lines of one conversation, both directions and all interfaces on its way.
fn lines_of(link: &Link, services: &[Service]) -> u64 {
    let through = |service: u32| services[service as usize].vpc != services[link.service() as usize].vpc;
    match (link.from, link.to) {
        (From::Clients(_), _) => 6,
        (From::Members(_), To::Members(service)) if through(service) => 8,
        (From::Members(_), To::Outside(Outside { service: Cloud::S3 | Cloud::DynamoDb, .. })) => 2,
        (From::Members(_), To::Outside(_)) => 6,
        // A primary does not follow itself.
        (From::Members(own), To::Primary(other)) if own == other => {
            let size = u64::from(services[own as usize].size);
            4 * (size - 1) / size
        }
        _ => 4,
    }
}
