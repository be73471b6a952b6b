//! A fleet in time: one aggregation interval after the other, and what each leaves in the files.

use std::io::Write;
use std::path::Path;

use crate::generate::actor::Interval;
use crate::generate::draw::Draw;
use crate::generate::internet::Internet;
use crate::generate::line::Layout;
use crate::generate::options::{DAY, Options};
use crate::generate::rhythm::busyness;
use crate::generate::{Error, Written};

use super::Fleet;
use super::actor::{Actor, Scene, is_month_end};
use super::attack::Flood;
use super::describe::Describer;
use super::duty::{Backups, Pulls, Sweeps};
use super::label::Label;
use super::noise::{Blindness, Scans};
use super::plan;
use super::scenario::Campaign;
use super::sheets::{Sheet, Sheets, Tree};
use super::truth::Truth;
use super::vantage::Post;

/// First stream of draws of attacks: no fleet has as many links.
const ATTACK_STREAMS: u64 = 1 << 32;
/// The stream of the scenarios, behind those.
const SCENARIO_STREAM: u64 = 1 << 33;
/// The newest version of flow logs that a fleet writes.
const NEWEST: u8 = 11;

/// Where a fleet's flow logs go.
pub enum FlowsTo<'a> {
    /// All into one stream, in the order of delivery.
    Stream(&'a mut dyn Write),
    /// Below a folder, as AWS delivers to a bucket: each flow log has files of its own.
    Tree {
        /// The folder that stands for the bucket.
        directory: &'a Path,
        /// Whether files are compressed.
        compressed: bool,
        /// Seconds of delivery in one file: at least 300, and a divisor of a day.
        seconds: u64,
    },
}

/// What a fleet writes, and where.
pub struct FleetOutputs<'a> {
    /// The flow logs.
    pub flows: FlowsTo<'a>,
    /// One NDJSON line for each scripted episode.
    pub labels: Option<&'a mut dyn Write>,
    /// One NDJSON line for each chosen entity and window of ten minutes.
    pub truth: Option<&'a mut dyn Write>,
    /// A folder for the estate as AWS describes it.
    pub assets: Option<&'a Path>,
}

/// A fleet in time.
struct Run<'a> {
    options: &'a Options,
    fleet: Fleet,
    /// Ordinary life; what comes on top of it, in proportion; attacks.
    actors: Vec<(Box<dyn Actor>, Draw)>,
    noise: Vec<(Box<dyn Actor>, Draw)>,
    attacks: Vec<(Box<dyn Actor>, Draw)>,
    flood: Option<Flood>,
    post: Post,
    now: u64,
    labels: Vec<Label>,
}

/// Writes a fleet as `options` describe it.
///
/// Lines come in the order of delivery: by the record's `end`, but for differences of up to 90 seconds, and for one line in
/// a hundred of up to `late_seconds`. Memory does not grow with the span.
///
/// # Errors
///
/// When an option is out of range, a custom format does not parse, or a file or writer fails.
pub fn write_fleet(options: &Options, outputs: FleetOutputs<'_>) -> Result<Written, Error> {
    options.validate()?;
    let layout = Layout::up_to(NEWEST, &options.format)?;
    let mut header = Vec::new();
    if options.header {
        layout.header(&mut header);
    }
    let mut run = Run::new(options, outputs.truth.is_some());
    let mut sheets = match outputs.flows {
        FlowsTo::Stream(out) => Sheets::Stream(Sheet::new(out, &header)),
        FlowsTo::Tree { directory, compressed, seconds } => {
            if seconds < 300 || !DAY.is_multiple_of(seconds) {
                let range = "a file has a whole part of a day, and at least 300 seconds";
                return Err(Error::Range { option: "seconds of a file", value: seconds, range });
            }
            Sheets::Tree(Tree::new(directory, compressed, seconds, header, run.fleet.vpcs.len()))
        }
    };
    let mut describer = outputs.assets.map(|directory| Describer::new(directory, &run.fleet)).transpose()?;
    let mut writers = Writers { labels: outputs.labels, truth: outputs.truth };
    let mut written = Written::default();
    if let Some(flood) = &run.flood {
        writers.labels(&[flood.label()], &run.fleet, &mut written)?;
    }
    let mut more = true;
    while more {
        run.step();
        if let Some(describer) = &mut describer {
            describer.turn(&run.fleet, run.now - u64::from(options.aggregation_seconds))?;
        }
        writers.labels(&run.labels, &run.fleet, &mut written)?;
        more = options.lines.is_some() || run.now < options.start + options.span;
        let until = if more { run.now } else { u64::MAX };
        more &= run.deliver(until, &layout, &mut sheets, &mut written)?;
        if let (Some(truth), Some(out)) = (&mut run.post.truth, writers.truth.as_deref_mut()) {
            truth.tell(&run.fleet, if more { run.now } else { u64::MAX }, out)?;
        }
    }
    written.bytes += sheets.finish()?;
    describer.map_or(Ok(()), |describer| describer.finish(&run.fleet))?;
    Ok(written)
}

/// The NDJSON files.
struct Writers<'a> {
    labels: Option<&'a mut dyn Write>,
    truth: Option<&'a mut dyn Write>,
}

impl Writers<'_> {
    fn labels(&mut self, labels: &[Label], fleet: &Fleet, written: &mut Written) -> Result<(), Error> {
        written.episodes += labels.len() as u64;
        match &mut self.labels {
            Some(out) => Ok(labels.iter().try_for_each(|label| label.write(fleet, *out))?),
            None => Ok(()),
        }
    }
}

impl<'a> Run<'a> {
    fn new(options: &'a Options, with_truth: bool) -> Self {
        let fleet = Fleet::new(options);
        let stream = |number: u64| Draw::new(options.seed, number);
        let links = plan::links(&fleet.services, &fleet.vpcs)
            .into_iter()
            .map(|link| Box::new(link) as Box<dyn Actor>);
        let fixed: [Box<dyn Actor>; 5] = [
            Box::new(Scans),
            Box::new(Blindness),
            Box::new(Pulls),
            Box::new(Backups::default()),
            Box::new(Sweeps),
        ];
        let mut noise: Vec<_> = (0..).map(stream).zip(fixed).map(|(draw, actor)| (actor, draw)).collect();
        let duties = noise.split_off(2);
        let links = (noise.len() as u64 + duties.len() as u64..)
            .map(stream)
            .zip(links)
            .map(|(draw, actor)| (actor, draw));
        let attacks = options.fleet.attacks.iter().filter_map(|attack| attack.actor());
        let scenarios = (options.fleet.scenario_rounds > 0).then(|| {
            let campaign: Box<dyn Actor> = Box::new(Campaign::new(options.fleet.scenario_rounds));
            (campaign, stream(SCENARIO_STREAM))
        });
        Self {
            options,
            actors: links.chain(duties).collect(),
            noise,
            attacks: attacks
                .map(|(number, actor)| (actor, stream(ATTACK_STREAMS + number)))
                .chain(scenarios)
                .collect(),
            flood: Flood::new(options, &fleet),
            post: Post::new(
                options.start,
                options.fleet.late_seconds,
                with_truth.then(|| Truth::new(options)),
            ),
            now: options.start,
            labels: Vec::new(),
            fleet,
        }
    }

    /// Goes one interval on.
    fn step(&mut self) {
        let length = u64::from(self.options.aggregation_seconds);
        self.labels.clear();
        self.fleet.turn(self.now, length);
        let interval = Interval { start: self.now, end: self.now + length, busyness: busyness(self.now) };
        let mut scene = Scene {
            fleet: &self.fleet,
            options: self.options,
            internet: Internet::new(self.options.externals, self.options.ipv6_permille),
            interval,
            six_permille: u64::from(self.options.ipv6_permille),
            month_end: is_month_end(self.now),
            made: 0,
        };
        for crowd in [&mut self.actors, &mut self.noise, &mut self.attacks] {
            for (actor, draw) in crowd {
                actor.act(&scene, draw, &mut self.post, &mut self.labels);
            }
            scene.made += self.post.take_made();
        }
        self.now = interval.end;
    }

    /// Writes what is delivered before `until`; false when there are as many lines as are asked for.
    fn deliver(
        &mut self,
        until: u64,
        layout: &Layout,
        sheets: &mut Sheets<'_>,
        written: &mut Written,
    ) -> Result<bool, Error> {
        let most = self.options.lines.unwrap_or(u64::MAX);
        let last = self.options.start + self.options.span;
        while self.post.late.base() < until && (until < u64::MAX || !self.is_delivered(last)) {
            let (at, mut records) = self.post.late.pop();
            let flood = self.flood.as_mut().map(|flood| flood.second(&self.fleet, at));
            for record in records.drain(..).chain(flood.into_iter().flatten()) {
                if written.lines == most {
                    return Ok(false);
                }
                let place = self.fleet.nics.get(record.host).vpc;
                let line = |out: &mut Vec<u8>| layout.line(&self.fleet, &record, out);
                written.bytes += sheets.line(place, &self.fleet.vpcs[place], at, line)?;
                written.lines += 1;
            }
            self.post.late.recycle(records);
        }
        Ok(true)
    }

    fn is_delivered(&self, last: u64) -> bool {
        self.post.late.is_empty() && (self.flood.is_none() || self.post.late.base() >= last)
    }
}
