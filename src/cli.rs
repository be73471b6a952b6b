//! The commands: what each reads, runs and prints.

mod backtest;
mod bar;
mod baseline;
mod check;
mod exit;
mod generate;
mod learn;
mod logs;
mod parse;
mod progress;
mod replay;
mod run;
pub mod schema;
mod setup;
mod summary;

use clap::{Parser, Subcommand};

pub use exit::Exit;

/// Flow logs in; enriched, scored ECS out; and who rose above the usual mark.
#[derive(Debug, Parser)]
#[command(name = "floodmark", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How log lines are written on stderr. `FLOODMARK_LOG` chooses which: a level, or a list as in `floodmark::sink=debug,warn`.
    #[arg(long, global = true, value_enum, default_value_t = logs::LogFormat::Text)]
    log_format: logs::LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the pipeline, until its inputs end or a signal comes.
    Run(run::Run),
    /// Check a config and tell every problem at once.
    Check(check::Check),
    /// Parse flow logs to ECS on stdout, without a config.
    Parse(parse::Parse),
    /// Generate synthetic VPC flow logs with labelled attacks.
    Generate(generate::Generate),
    /// Learn baselines from an archive of flow logs, and list what stood out of it.
    Learn(learn::Learn),
    /// Run past flow logs through the detectors, and measure what is found.
    Backtest(backtest::Backtest),
    /// Send quarantined records through the pipeline again, with the ids they had.
    Replay(replay::Replay),
    /// Put on a cluster what documents need there.
    Setup(setup::Setup),
    /// Look at what is learned, and change it.
    Baseline(baseline::Baseline),
    /// Print what stands in `schemas/`.
    Schema(schema::Schema),
}

/// Runs the command that the process's arguments name.
#[must_use]
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistake; what is one has its own code, as clap's own 2 says nothing.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            let _ = error.print();
            return exit;
        }
    };
    logs::start(cli.log_format);
    match cli.command {
        Command::Run(command) => command.run(cli.log_format),
        Command::Check(command) => command.run(),
        Command::Parse(command) => command.run(),
        Command::Generate(command) => command.run(),
        Command::Learn(command) => command.run(),
        Command::Backtest(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Setup(command) => command.run(),
        Command::Baseline(command) => command.run(),
        Command::Schema(command) => command.run(),
    }
}

/// Prints one line for a person.
#[expect(clippy::print_stderr, reason = "everything for a person goes to stderr")]
fn tell(line: impl std::fmt::Display) {
    eprintln!("{line}");
}
