//! Services: what each is for, where it runs, what AWS calls it, and its week.

use crate::generate::estate::numbered;
use crate::generate::options::DAY;
use crate::generate::rhythm::{busyness, is_weekend};

use super::ground::Vpc;
use super::options::FleetOptions;

/// What a service is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Serves clients behind a load balancer of its own.
    Web,
    /// Serves the web services.
    App,
    /// Keeps what the applications know; its members stay.
    Database,
    /// Remembers for a while; its members stay.
    Cache,
    /// Works through the day's records at night, and longer at the month's end.
    Batch,
    /// Takes work from queues.
    Worker,
    /// Functions that are called now and then.
    Lambda,
    /// Looks for vulnerabilities once a week.
    Scanner,
}

/// Roles in the order in which a VPC's services get them.
const ORDER: [Role; 10] = [
    Role::Web,
    Role::App,
    Role::Database,
    Role::Cache,
    Role::App,
    Role::Batch,
    Role::Web,
    Role::App,
    Role::Database,
    Role::Worker,
];

/// A service.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) role: Role,
    pub(super) vpc: usize,
    /// Its name, which a service of another VPC may have too.
    pub(super) name: String,
    /// Members at the busiest time.
    pub(super) size: u32,
    /// Hours by which its day is later than the usual one.
    pub(super) shift_hours: u64,
    /// What is left of its traffic on Saturdays and Sundays beside what the rhythm leaves, in hundredths.
    pub(super) weekend_percent: u64,
    /// Texts that lines and assets need.
    pub(super) cluster_arn: String,
    pub(super) task_definition_arn: String,
    pub(super) security_group: String,
}

/// All services: those that are asked for, dealt out to the VPCs, then one of functions and a scanner in each VPC.
pub(super) fn services(options: &FleetOptions, hosts: u32, vpcs: &[Vpc]) -> Vec<Service> {
    let mut services = Vec::new();
    let mut of_role = vec![[0_u32; 8]; vpcs.len()];
    let mut add = |role: Role, place: usize, size: u32| {
        let number = &mut of_role[place][role as usize];
        *number += 1;
        let serial = services.len() as u64;
        services.push(service(role, place, *number, size, serial, &vpcs[place]));
    };
    for ordinal in 0..options.services {
        let place = ordinal as usize % vpcs.len();
        let role = ORDER[ordinal as usize / vpcs.len() % ORDER.len()];
        add(role, place, hosts / options.services + u32::from(ordinal < hosts % options.services));
    }
    for place in 0..vpcs.len() {
        add(Role::Lambda, place, 2);
        add(Role::Scanner, place, 1);
    }
    services
}

fn service(role: Role, place: usize, number: u32, size: u32, serial: u64, vpc: &Vpc) -> Service {
    let name = format!("{}-{number}", role.name());
    let arn = |kind: &str, rest: &str| format!("arn:aws:ecs:{}:{}:{kind}/{rest}", vpc.region, vpc.account);
    Service {
        role,
        vpc: place,
        size,
        // Most keep the usual hours; some serve another continent.
        shift_hours: [0, 0, 1, 0, 23, 6, 0, 18][(serial % 8) as usize],
        weekend_percent: [100, 60, 100, 130][(serial / 3 % 4) as usize],
        cluster_arn: arn("cluster", "main"),
        task_definition_arn: arn("task-definition", &format!("{name}:7")),
        security_group: numbered("sg-", serial),
        name,
    }
}

impl Role {
    /// The name of its services, before their number.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::App => "app",
            Self::Database => "database",
            Self::Cache => "cache",
            Self::Batch => "batch",
            Self::Worker => "worker",
            Self::Lambda => "functions",
            Self::Scanner => "scanner",
        }
    }

    /// Whether ECS runs it; the others are instances.
    pub(super) fn is_task(self) -> bool {
        matches!(self, Self::Web | Self::App | Self::Worker)
    }

    /// Whether its members are replaced after a while and by deploys.
    pub(super) fn is_replaceable(self) -> bool {
        self.is_task() || self == Self::Batch
    }

    /// Whether it grows and shrinks with the day.
    pub(super) fn scales(self) -> bool {
        self.is_task()
    }

    /// The port that it serves.
    pub(super) fn port(self) -> u16 {
        match self {
            Self::Web | Self::App => 8080,
            Self::Database => 5432,
            Self::Cache => 6379,
            Self::Worker | Self::Batch | Self::Lambda | Self::Scanner => 9100,
        }
    }
}

impl Service {
    /// How busy it is at `time`, in thousandths of its busiest hour.
    pub(super) fn busyness(&self, time: u64) -> u64 {
        let level = busyness(time + self.shift_hours * 3_600);
        if is_weekend(time) { level * self.weekend_percent / 100 } else { level }
    }

    /// How many members it wants at `time`.
    pub(super) fn wanted(&self, time: u64, autoscaling: bool) -> u32 {
        if !autoscaling || !self.role.scales() {
            return self.size;
        }
        let hour = time - time % 3_600;
        let percent = 40 + self.busyness(hour).min(1_000) * 60 / 1_000;
        (u64::from(self.size) * percent).div_ceil(100) as u32
    }

    /// Which of its members writes, where the others follow: it changes once a week, on Thursday at four.
    pub(super) fn primary(&self, time: u64) -> u32 {
        // 1970-01-01 was a Thursday.
        let week = time.saturating_sub(4 * 3_600) / (7 * DAY);
        if self.size > 1 { (week % 2) as u32 } else { 0 }
    }

    /// Whether an Auto Scaling group keeps its instances.
    pub(super) fn has_group(&self) -> bool {
        self.role == Role::Batch
    }
}
