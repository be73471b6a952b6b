//! `floodmark parse`: flow logs to ECS on stdout, without a config; the format found, and what was bad, on stderr.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Write},
    path::PathBuf,
    sync::Arc,
};

use clap::ValueEnum;

use super::{Exit, tell};
use crate::{
    enrich::{self, Enricher, Stage},
    event::{Batch, Documents, Reason, Receipt, SourceId},
    normalize::{Form, Normalizer, SchemaName, Selection},
    parse::{self, Input, Parser, Resolver},
    pipe::{Flight, Intake, Step, feed, stop},
    score,
    source::{self, NothingKnown, SourceContext},
    telemetry::{books::SourceBooks, clock, health::Health, metrics::Metrics},
};

/// Parse flow logs or syslog to ECS on stdout, without a config.
///
/// The format found is told on stderr, and each line that cannot be read.
#[derive(Debug, clap::Args)]
pub(super) struct Parse {
    /// Files, plain or compressed; none or `-` reads standard input.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How the lines are written.
    #[arg(long, value_enum, default_value_t = FormatArg::Auto)]
    format: FormatArg,
    /// The time zone of lines of syslog that tell none: an IANA name or an offset.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: parse::Timezone,
    /// When lines of syslog were received that tell neither time nor year: 2026-11-22T01:02:03Z. Now, if it is not given.
    #[arg(long, value_name = "TIME")]
    received: Option<jiff::Timestamp>,
    /// The format string, where neither a header line nor AWS's default says it: '${version} ${srcaddr} …'.
    #[arg(long, value_name = "FORMAT")]
    fields: Option<parse::Fields>,
    /// The normal form.
    #[arg(long, value_enum, default_value_t = SchemaArg::Ecs)]
    schema: SchemaArg,
    /// Put each line as received into its document too: `event.original`, or `raw_data` in OCSF.
    #[arg(long)]
    original: bool,
}

/// The normal forms, as arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchemaArg {
    /// Elastic Common Schema 9.4.
    Ecs,
    /// OCSF 1.8.0.
    Ocsf,
}

/// The formats, as arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// AWS VPC Flow Logs, by their header, by `--fields`, or learned.
    Auto,
    /// Lines of syslog; those that hold a flow log line are read as flows.
    Syslog,
}

/// Bad lines told one by one; the rest are only counted.
const TOLD_MAX: u64 = 20;
/// Room for what is read, and how much of it may wait for its layout to be learned.
const IN_FLIGHT_BYTES: usize = WAITING_BYTES_MAX + (16 << 20);
const WAITING_BYTES_MAX: usize = 256 << 20;

/// What turns a chunk into documents.
struct Bench {
    resolver: Resolver,
    parser: Parser,
    enricher: Enricher,
    normalizer: Normalizer,
    batch: Batch,
    documents: Documents,
    bad: BTreeMap<Reason, u64>,
}

// === impl Parse ===

impl Parse {
    pub(super) fn run(self) -> Exit {
        match self.parse() {
            Ok(exit) => exit,
            Err(error) => {
                tell(error);
                Exit::NoInput
            }
        }
    }

    fn parse(&self) -> Result<Exit, Box<dyn std::error::Error>> {
        let metrics = Metrics::default();
        let books = SourceBooks::new(&metrics, "input");
        let source = source::build(&source::From::once(&self.paths))?;
        let (feed, intake) = feed(4);
        let (_switch, stop) = stop();
        let context = SourceContext {
            id: SourceId(0),
            name: "input".into(),
            feed,
            flight: Arc::new(Flight::new(IN_FLIGHT_BYTES)),
            stop,
            books: books.clone(),
            metrics: metrics.clone(),
            health: Health::default(),
            sharing: source::Sharing::new(source::Input::default(), false),
            #[cfg(feature = "kafka")]
            membership: None,
            progress: Arc::new(NothingKnown),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let reading = runtime.spawn(source.run(context));
        let mut bench = self.bench(books.clone(), &metrics)?;
        let written = bench.work(intake);
        if let Err(error) = written {
            // Whoever read the documents has seen enough.
            return if error.kind() == ErrorKind::BrokenPipe { Ok(Exit::Success) } else { Err(error.into()) };
        }
        runtime.block_on(reading)??;
        tell(format_args!(
            "{} events, {} bad lines",
            books.entries_parsed.get(),
            bench.bad.values().sum::<u64>()
        ));
        for (reason, count) in &bench.bad {
            tell(format_args!("  {count} {reason}"));
        }
        Ok(Exit::Success)
    }

    fn form(&self) -> Form {
        Form { original: self.original, ..SchemaName::from(self.schema).into() }
    }

    fn config(&self) -> parse::Config {
        let fields = self.fields.clone();
        match self.format {
            FormatArg::Auto => fields.map_or(parse::Config::Auto, |fields| parse::Config::VpcFlow { fields }),
            FormatArg::Syslog => {
                parse::Config::Syslog { fields: fields.unwrap_or_default(), timezone: self.timezone.clone() }
            }
        }
    }

    fn bench(&self, books: SourceBooks, metrics: &Metrics) -> Result<Bench, Box<dyn std::error::Error>> {
        let config = self.config();
        let received = self.received.map(|time| u64::try_from(time.as_millisecond()).unwrap_or(0));
        let inputs: Arc<[Input]> =
            Arc::new([Input { format: config.format_received(WAITING_BYTES_MAX, received), books }]);
        let tables = enrich::Shared::open(&enrich::Config::default(), metrics)
            .map_err(|errors| errors.into_iter().map(|error| error.to_string()).collect::<String>())?;
        Ok(Bench {
            resolver: Resolver::new(inputs.clone()),
            parser: Parser::new(inputs),
            enricher: Enricher::new(tables),
            normalizer: Normalizer::new(
                self.form().build(&crate::event::Namespace::default(), score::WINDOW_SECONDS),
            ),
            batch: Batch::default(),
            documents: Documents::new(Receipt::unclaimed()),
            bad: BTreeMap::new(),
        })
    }
}

// === impl SchemaArg ===

impl From<SchemaArg> for SchemaName {
    fn from(schema: SchemaArg) -> Self {
        match schema {
            SchemaArg::Ecs => Self::Ecs,
            SchemaArg::Ocsf => Self::Ocsf,
        }
    }
}

// === impl Bench ===

impl Bench {
    fn work(&mut self, mut intake: Intake) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        let mut resolved = Vec::new();
        while let Some(step) = intake.next_blocking() {
            match step {
                Step::Chunk(chunk) => self.resolver.chunk(chunk, &mut resolved),
                Step::Ended(source, partitions) => {
                    for partition in &partitions {
                        self.resolver.ended(source, partition, &mut resolved);
                    }
                }
                _ => {}
            }
            for found in self.resolver.found() {
                tell(format_args!("{}: {} ({})", found.origin, found.format, found.how));
            }
            for advice in self.resolver.advice() {
                tell(format_args!("{}: {}", advice.origin, advice.text));
            }
            for mut chunk in resolved.drain(..) {
                let receipt = std::mem::replace(&mut chunk.receipt, Receipt::unclaimed());
                self.parser.parse(chunk, &mut self.batch);
                self.enricher.apply(&mut self.batch);
                self.normalizer.documents(
                    &self.batch,
                    &Selection::default(),
                    clock::wall_millis(),
                    &mut self.documents,
                );
                out.write_all(&self.documents.bytes)?;
                self.documents.recycle().confirm();
                self.tell_bad();
                receipt.confirm();
            }
        }
        out.flush()
    }

    fn tell_bad(&mut self) {
        for reject in &self.batch.rejects {
            let told: u64 = self.bad.values().sum();
            *self.bad.entry(reject.reason).or_default() += 1;
            if told < TOLD_MAX {
                let position = self
                    .batch
                    .chunk
                    .as_ref()
                    .map(|chunk| chunk.records[reject.entry.record as usize].position);
                tell(format_args!(
                    "position {}: {}: {}",
                    position.unwrap_or_default(),
                    reject.reason,
                    reject.detail
                ));
            }
        }
    }
}
