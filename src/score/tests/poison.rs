//! What poisoning costs, and what gets through: attacks against one host's baseline, with and without each defence.
//!
//! The host sends about 10 MB in ten minutes (0.7 octaves of noise), its peers' 300,000 windows are spread over 1.65 octaves
//! around the same. It is judged once an hour with its own knots, and learned as folds learn. An attack is measured by how
//! far it moves what is held out (p < 0.001) and what makes a finding (score 80, at least 10 MB), and by what it sends
//! in windows without a finding. A lone host is one without peers.

#![allow(clippy::unwrap_used)]

mod host;

use crate::score::{
    histogram::{
        Compact, Increments, Packed,
        geometry::{bucket_mid, bucket_of, coarse},
    },
    usual::{
        decay::{Decay, Moment},
        drift::Drift,
        influence::{Influence, Known, ceiling_of_peers, ceiling_of_release},
        knots::{Knots, Seen, score_points},
        maturity::{Days, day_of},
        pool::{FrozenPool, Pool},
        ring::Ring,
    },
};

use self::host::Host;

const START: i64 = 20_000 * 144;
const USUAL: f64 = 1e7;
/// Days without attack before one, where the attack does not begin with the host.
const QUIET: i64 = 60;

/// Which defences stand.
#[derive(Debug, Clone, Copy)]
struct Rules {
    hold_out: bool,
    bounds: bool,
    quarantine: bool,
    /// Another detector sees whatever is held out.
    corroborated: bool,
    /// Drift counts as such a detector, where there are no peers.
    drift: bool,
}

const NONE: Rules =
    Rules { hold_out: false, bounds: false, quarantine: false, corroborated: false, drift: false };
const HOLD_OUT: Rules = Rules { hold_out: true, ..NONE };
const QUARANTINE: Rules = Rules { quarantine: true, ..HOLD_OUT };
const BOUNDS: Rules = Rules { bounds: true, ..QUARANTINE };
const ALL: Rules = Rules { drift: true, ..BOUNDS };
const SEEN: Rules = Rules { corroborated: true, ..ALL };

/// What the attacker does with the host.
#[derive(Debug, Clone, Copy)]
enum Attack {
    /// So many bytes in each window of the first three days of its life, then 30 days nothing.
    Birth(u64),
    /// 5 % more every day for 30 days.
    Frog,
    /// What is just not held out, in each window.
    Greedy(i64),
    /// The same against a host that is only active in the first hour of the day.
    Nightly(i64),
    /// 300 MB in each tenth window, for 30 days.
    Tenth,
    /// Anything up to what is not held out, for ten days.
    Chaff,
    /// What makes just no finding, in each window.
    Silent(i64),
    /// No attack: ten times as much as before in each window from one day on.
    Level(i64),
}

/// What it came to.
#[derive(Debug)]
struct Outcome {
    /// How many times what is held out, and what makes a finding, lies above where it was.
    held: f64,
    found: f64,
    host: Host,
}

/// What `attack` comes to against a host with these defences, with or without peers.
fn attacked(attack: Attack, rules: Rules, lone: bool, seed: u64) -> Outcome {
    let new = || {
        let mut host = Host::new(rules, seed);
        host.nightly = matches!(attack, Attack::Nightly(_));
        if lone {
            host.peers.clear();
        }
        host
    };
    let mut host = new();
    host.run(QUIET, |_, _| 0);
    let before = [host.held() as f64, host.found() as f64];
    (host.findings, host.drifted, host.drifts) = (0, None, 0);
    match attack {
        Attack::Birth(size) => {
            host = new();
            host.run(3, |_, _| size);
            host.run(30, |_, _| 0);
        }
        Attack::Frog => host.run(30, |host, nth| {
            (USUAL * (0.7 * host.dice.normal()).exp2() * 1.05_f64.powf(nth as f64 / 144.0)) as u64
        }),
        Attack::Greedy(days) | Attack::Nightly(days) => host.run(days, |host, _| host.held() - 1),
        Attack::Tenth => host.run(30, |host, _| if host.dice.roll() < 0.1 { 300_000_000 } else { 0 }),
        Attack::Chaff => host.run(10, |host, _| {
            let most = host.held() as f64 / USUAL;
            (USUAL * most.powf(host.dice.roll())) as u64
        }),
        Attack::Silent(days) => host.run(days, |host, _| host.found() - 1),
        Attack::Level(days) => {
            host.run(days, |host, _| (10.0 * USUAL * (0.7 * host.dice.normal()).exp2()) as u64);
        }
    }
    Outcome { held: host.held() as f64 / before[0], found: host.found() as f64 / before[1], host }
}

/// Each attack with each set of defences, twice.
fn each(attack: Attack, rules: Rules, lone: bool, check: impl Fn(&Outcome) -> bool) {
    for seed in [1, 2] {
        let came = attacked(attack, rules, lone, seed);
        let Outcome { held, found, host: Host { bytes, findings, first, drifted, drifts, .. } } = &came;
        assert!(
            check(&came),
            "{attack:?} {rules:?} lone {lone} seed {seed}: held x{held:.2}, found x{found:.2}, {bytes} bytes without \
             a finding, {findings} findings from day {first:?}, drift {drifts} times from day {drifted:?}"
        );
    }
}

#[test]
fn who_exceeds_all_peers_from_birth_is_found_at_once_and_not_learned() {
    let birth = Attack::Birth(2_000_000_000);
    each(birth, NONE, false, |came| came.found > 100.0);
    each(birth, ALL, false, |came| came.found < 1.3 && came.host.first == Some(0) && came.host.through == 0);
}

#[test]
fn who_hides_among_the_largest_peers_from_birth_gets_through() {
    // 30 times its usual, but less than one peer in a thousand: a month later that is still not held out.
    each(Attack::Birth(300_000_000), ALL, false, |came| came.held > 5.0 && came.found < 2.5);
    // Without peers there is nothing to compare it with.
    each(Attack::Birth(300_000_000), ALL, true, |came| came.found > 50.0 && came.host.findings == 0);
}

#[test]
fn five_percent_a_day_are_called_in_the_fourth_week_and_have_hardly_moved_the_finding() {
    let called = |came: &Outcome| came.host.drifted.is_some_and(|day| (21..=27).contains(&day));
    each(Attack::Frog, ALL, false, |came| called(came) && came.found < 1.6);
    each(Attack::Frog, ALL, true, |came| called(came) && came.found < 6.0);
}

#[test]
fn who_sends_what_is_just_not_held_out_needs_days_instead_of_hours() {
    each(Attack::Greedy(1), HOLD_OUT, false, |came| came.held > 10.0);
    each(Attack::Greedy(1), ALL, false, |came| came.held < 5.0 && came.host.drifted == Some(0));
    each(Attack::Greedy(5), HOLD_OUT, false, |came| came.host.bytes > 400_000_000_000);
    each(Attack::Greedy(5), ALL, false, |came| came.host.bytes < 220_000_000_000 && came.found < 2.1);
    each(Attack::Greedy(10), ALL, true, |came| came.held < 1.5);
}

#[test]
fn a_host_that_rests_most_of_the_day_is_not_taught_by_who_fills_the_rest() {
    // Six windows a day are known, 138 are the attacker's: hold-out alone follows it anywhere within a day.
    each(Attack::Nightly(1), HOLD_OUT, true, |came| came.held > 1_000.0);
    each(Attack::Nightly(1), ALL, true, |came| came.held < 10.0 && came.host.drifted == Some(0));
    each(Attack::Nightly(5), ALL, true, |came| came.held < 40.0);
    each(Attack::Nightly(1), HOLD_OUT, false, |came| came.held > 3.0);
    each(Attack::Nightly(1), ALL, false, |came| came.held < 1.5);
}

#[test]
fn one_window_in_ten_is_not_learned_unless_it_is_the_same_for_five_days_and_nobody_else_sees_it() {
    each(Attack::Tenth, NONE, false, |came| came.held > 7.0);
    each(Attack::Tenth, HOLD_OUT, false, |came| came.held < 1.4);
    each(Attack::Tenth, SEEN, false, |came| came.held < 1.4);
    // What quarantine costs: five days of the same, called by drift on the first.
    each(Attack::Tenth, ALL, false, |came| came.held > 7.0 && came.host.drifted == Some(0));
    each(Attack::Tenth, ALL, true, |came| came.host.findings >= 50 && came.host.first == Some(0));
}

#[test]
fn chaff_widens_what_is_not_held_out_by_five_times_at_most() {
    each(Attack::Chaff, ALL, false, |came| came.held < 5.0 && came.found < 1.6 && came.host.drifts > 0);
    each(Attack::Chaff, ALL, true, |came| came.held < 1.4);
}

#[test]
fn who_stays_between_held_out_and_found_is_called_by_drift_again_and_again() {
    each(Attack::Silent(30), NONE, true, |came| came.found > 1e4);
    each(Attack::Silent(30), HOLD_OUT, true, |came| came.found < 2.5);
    // What quarantine would cost a lone host, did drift not keep it shut: each five days another release.
    each(Attack::Silent(30), BOUNDS, true, |came| came.found > 1e4 && came.host.drifts >= 3);
    each(Attack::Silent(30), ALL, true, |came| came.found < 2.5 && came.host.drifted == Some(0));
    each(Attack::Silent(30), SEEN, true, |came| came.found < 2.5);
    each(Attack::Silent(30), ALL, false, |came| came.found < 2.5 && came.host.drifted == Some(0));
}

#[test]
fn a_new_level_is_learned_after_five_days_among_peers_and_after_weeks_by_who_is_alone() {
    let learned = |came: &Outcome| came.held > 4.0;
    each(Attack::Level(4), ALL, false, |came| !learned(came));
    each(Attack::Level(12), ALL, false, learned);
    each(Attack::Level(12), BOUNDS, true, learned);
    // What is kept shut is quarantine: the lower values of the new level are not held out, and lead up to it, if not all
    // the way: its highest windows stay held out.
    each(Attack::Level(21), ALL, true, |came| came.held < 1.5 && came.host.drifted == Some(0));
    each(Attack::Level(35), ALL, true, |came| came.held > 2.5 && came.found > 2.5);
}
