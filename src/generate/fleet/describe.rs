//! The fleet as AWS describes it: `describe-network-interfaces`, `-instances`, `-subnets`, `-vpcs`, `-security-groups` for
//! each account and region, as they would answer at the end; the same rows over time; and an asset list as CSV.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::generate::Error;
use crate::generate::bundle::moment;

use super::Fleet;
use super::ground::Vpc;
use super::nic::Nic;
use super::text::environment;

mod rows;

type Out = BufWriter<File>;

/// The folder of assets.
pub(super) struct Describer {
    directory: PathBuf,
    /// Rows with when they were valid, by VPC's number; VPCs of one account and region share a place.
    places: Vec<usize>,
    histories: Vec<History>,
    list: Out,
}

/// The rows of one account and region over time.
struct History {
    account: String,
    region: &'static str,
    interfaces: Out,
    instances: Out,
}

impl Describer {
    /// Begins with who is there at the start.
    pub(super) fn new(directory: &Path, fleet: &Fleet) -> Result<Self, Error> {
        fs::create_dir_all(directory)?;
        let create = |name: &str| File::create(directory.join(name)).map(BufWriter::new);
        let mut describer = Self {
            directory: directory.to_owned(),
            places: Vec::new(),
            histories: Vec::new(),
            list: create("assets.csv")?,
        };
        for Vpc { account, region, .. } in &fleet.vpcs {
            let same = |of: &History| of.account == *account && of.region == *region;
            let known = describer.histories.iter().position(same);
            describer.places.push(known.unwrap_or(describer.histories.len()));
            if known.is_none() {
                describer.histories.push(History {
                    account: account.clone(),
                    region,
                    interfaces: create(&format!("{account}_{region}_network-interfaces.ndjson"))?,
                    instances: create(&format!("{account}_{region}_instances.ndjson"))?,
                });
            }
        }
        writeln!(describer.list, "key,name,owner,role,criticality,tags")?;
        let mut cidrs = BTreeSet::new();
        for vpc in &fleet.vpcs {
            for cidr in [vpc.cidr(), vpc.cidr_six()] {
                // The asset list has no scope: one row for the CIDR that two VPCs have.
                if cidrs.insert(cidr.clone()) {
                    writeln!(describer.list, "{cidr},{},platform,network,low,", vpc.id)?;
                }
            }
        }
        for nic in live(fleet) {
            describer.list(fleet, nic)?;
        }
        Ok(describer)
    }

    /// Takes down who came and who went at `now`.
    pub(super) fn turn(&mut self, fleet: &Fleet, now: u64) -> Result<(), Error> {
        for nic in fleet.roster.born() {
            self.list(fleet, fleet.nics.get(*nic))?;
        }
        for nic in fleet.roster.ended() {
            self.past(fleet, nic, Some(now))?;
        }
        Ok(())
    }

    /// Ends with who is there now.
    pub(super) fn finish(mut self, fleet: &Fleet) -> Result<(), Error> {
        for nic in live(fleet) {
            self.past(fleet, nic, None)?;
        }
        self.list.flush()?;
        for history in &mut self.histories {
            history.interfaces.flush()?;
            history.instances.flush()?;
        }
        self.histories.iter().try_for_each(|of| self.answers(fleet, (&of.account, of.region)))
    }

    /// A describe call's answer with one row and when it was valid: `valid_to` is the first second in which it was no more.
    fn past(&mut self, fleet: &Fleet, nic: &Nic, until: Option<u64>) -> Result<(), Error> {
        let history = &mut self.histories[self.places[nic.vpc]];
        let (from, to) = (moment(nic.born).to_string(), until.map(|until| moment(until).to_string()));
        let wrapped = |member: &str, row: Value| json!({ "valid_from": from, "valid_to": to, member: [row] });
        row(&mut history.interfaces, &wrapped("NetworkInterfaces", rows::interface(fleet, nic)))?;
        if let Some(instance) = rows::instance(fleet, nic) {
            let reservation = rows::reservation(&history.account, nic.serial, instance);
            row(&mut history.instances, &wrapped("Reservations", reservation))?;
        }
        Ok(())
    }

    /// Rows of the asset list: interfaces and instances, whose ids nobody else ever has, unlike addresses.
    fn list(&mut self, fleet: &Fleet, nic: &Nic) -> Result<(), Error> {
        let service = fleet.services.get(nic.service as usize).filter(|_| nic.kind.is_workload());
        let (name, role) = match service {
            Some(service) => (service.name.as_str(), service.role.name()),
            None => (rows::interface_type(nic.kind), "infrastructure"),
        };
        let ids = [Some(&nic.id[..]), nic.instance.as_ref().map(|id| &id[..])];
        for id in ids.into_iter().flatten() {
            let id = String::from_utf8_lossy(id);
            let env = environment(nic.vpc);
            writeln!(self.list, "{id},{name},{role}-team,{role},medium,env={env};service={name}")?;
        }
        Ok(())
    }

    /// What the describe calls answer in one account and region.
    fn answers(&self, fleet: &Fleet, place: (&str, &str)) -> Result<(), Error> {
        let here = |vpc: usize| (fleet.vpcs[vpc].account.as_str(), fleet.vpcs[vpc].region) == place;
        let interfaces = live(fleet).filter(|nic| here(nic.vpc)).map(|nic| rows::interface(fleet, nic));
        self.answer(place, "network-interfaces", "NetworkInterfaces", interfaces)?;
        let instances = live(fleet).filter(|nic| here(nic.vpc)).filter_map(|nic| rows::instance(fleet, nic));
        let reservations =
            instances.zip(0..).map(|(instance, ordinal)| rows::reservation(place.0, ordinal, instance));
        self.answer(place, "instances", "Reservations", reservations)?;
        let vpcs = || (0..fleet.vpcs.len()).filter(|vpc| here(*vpc));
        let subnets = vpcs().flat_map(|vpc| (0..4).map(move |subnet| rows::subnet(&fleet.vpcs[vpc], subnet)));
        self.answer(place, "subnets", "Subnets", subnets)?;
        self.answer(place, "vpcs", "Vpcs", vpcs().map(|vpc| rows::vpc(&fleet.vpcs[vpc], vpc)))?;
        let groups = fleet.services.iter().filter(|service| here(service.vpc));
        self.answer(
            place,
            "security-groups",
            "SecurityGroups",
            groups.map(|of| rows::security_group(fleet, of)),
        )?;
        Ok(())
    }

    /// Writes one answer row by row, so that it need not fit into memory.
    fn answer(
        &self,
        (account, region): (&str, &str),
        call: &str,
        member: &str,
        all: impl Iterator<Item = Value>,
    ) -> Result<(), Error> {
        let path = self.directory.join(format!("{account}_{region}_{call}.json"));
        let mut out = BufWriter::new(File::create(path)?);
        write!(out, "{{\"{member}\":[")?;
        for (ordinal, one) in all.enumerate() {
            out.write_all(if ordinal == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut out, &one).map_err(io::Error::from)?;
        }
        out.write_all(b"\n]}\n")?;
        Ok(out.flush()?)
    }
}

/// Every interface that is there now: what stays, then members.
fn live(fleet: &Fleet) -> impl Iterator<Item = &Nic> {
    let stays = fleet.sites.iter().flat_map(|site| site.all());
    let members =
        (0..fleet.services.len() as u32).flat_map(|service| fleet.roster.live(service).iter().copied());
    stays.chain(members).map(|index| fleet.nics.get(index))
}

fn row(out: &mut Out, value: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
