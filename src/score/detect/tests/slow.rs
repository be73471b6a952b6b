//! What takes hours: beacons and all else that tallies count.

use super::*;
use crate::score::detect::known::tallies::DAY;

/// What an estate shows, window after window, with what is known of it.
struct Story {
    known: Known,
    window: Window,
    /// Window, detector, whose, how much, points.
    told: Vec<(Window, &'static str, u32, u64, u8)>,
}

// === impl Story ===

impl Story {
    /// An estate that has been watched for eight days, on which this was said in each window.
    fn after(usual: &[Said]) -> Self {
        let mut story = Self { known: Known::new([1; 16], 1), window: 100_800, told: Vec::new() };
        for _ in 0..9 {
            story.go_on(usual.to_vec());
            story.window += DAY - 1;
        }
        assert_eq!(story.told, []);
        story
    }

    /// One more window.
    fn go_on(&mut self, said: Vec<Said>) {
        self.window += 1;
        let at = |said: Said| Said { start: said.start + self.window as u32 * 600 - 600, ..said };
        let parts: Vec<Part> = said
            .into_iter()
            .enumerate()
            .map(|(nth, said)| part(&at(said), (self.window as usize * 100 + nth) % 10_000))
            .collect();
        let scene = Scene::new(self.window, parts.iter(), std::iter::empty(), &Estate, &mut self.known);
        let raised = look(&scene, &mut self.known, &Modes::default());
        self.told.extend(raised.iter().map(|(detector, sight)| {
            let (who, seen) = (sight.who.number & 0xff_ffff, &sight.seen);
            (self.window, detector.id, who, seen.observed, seen.points)
        }));
    }

    /// So many windows of what `said` says of each, from 0 on; gives what `detector` has told: how many windows later, of
    /// whom, how much and with how many points.
    fn told(
        mut self,
        detector: &str,
        windows: Window,
        mut said: impl FnMut(Window) -> Vec<Said>,
    ) -> Vec<(Window, u32, u64, u8)> {
        let first = self.window;
        (0..windows).for_each(|nth| self.go_on(said(nth)));
        let told = self.told.into_iter().filter(|told| told.1 == detector);
        told.map(|(window, _, who, observed, points)| (window - first, who, observed, points)).collect()
    }
}

/// Two calls of a window, five minutes apart.
fn calls(client: Address, server: Address) -> Vec<Said> {
    let call = Said { seconds: 3, ..talk(client, server, 443, 900, 9) };
    vec![call, Said { start: 900, ..call }]
}

fn usual() -> Vec<Said> {
    vec![talk(inside(1), inside(2), 8_080, 900, 9), talk(inside(3), outside(3), 443, 900, 9)]
}

/// An address outside, in a network of its own.
const fn far(nth: u32) -> Address {
    0xffff_3300_0000 | (nth as Address) << 16 | 7
}

#[test]
fn the_same_call_each_five_minutes_is_told_after_half_a_day_and_again_after_a_day() {
    let told = Story::after(&usual()).told("beacon", 3 * DAY, |_| calls(inside(1), far(1)));
    let (first, who, observed, points) = told[0];
    assert!((54..=72).contains(&first) && observed >= 80, "after {first} windows, {observed} points");
    assert_eq!((who, points), (1, 75));
    let windows: Vec<Window> = told.iter().map(|told| told.0).collect();
    assert_eq!(windows, [first, first + DAY, first + 2 * DAY]);
}

#[test]
fn whoever_calls_by_right_has_no_beacon() {
    let quiet = |story: Story, said: fn(Window) -> Vec<Said>| story.told("beacon", 2 * DAY, said);
    let agent = || [usual(), calls(inside(1), far(1))].concat();
    // It has called for a week, and now calls another address of that network.
    assert_eq!(quiet(Story::after(&agent()), |_| calls(inside(1), far(1) + 9)), []);
    let aws = |_| calls(inside(1), far(1)).into_iter().map(|call| Said { aws: true, ..call }).collect();
    assert_eq!(quiet(Story::after(&usual()), aws), []);
    let ntp = |_| {
        let ntp = |call| Said {
            protocol: 17,
            ports: (40_000, 123),
            sent: (76, 1, 0),
            received: Some((76, 1, 0)),
            ..call
        };
        calls(inside(1), far(1)).into_iter().map(ntp).collect()
    };
    assert_eq!(quiet(Story::after(&usual()), ntp), []);
    assert_eq!(quiet(Story::after(&usual()), |_| calls(YOUNG, far(1))), [], "nobody knows yet what it is");
    let inner = |_| calls(inside(1), inside(9));
    assert_eq!(quiet(Story::after(&usual()), inner), []);
    let silent =
        |_| calls(inside(1), far(1)).into_iter().map(|call| Said { received: None, ..call }).collect();
    assert_eq!(quiet(Story::after(&usual()), silent), [], "nobody answers");
    // A new agent on many hosts.
    let many = |_| (10..26).flat_map(|host| calls(inside(host), far(1))).collect();
    assert_eq!(quiet(Story::after(&usual()), many), []);
}

#[test]
fn a_week_of_a_beacon_is_the_end_of_it() {
    let told = Story::after(&usual()).told("beacon", 10 * DAY, |_| calls(inside(1), far(1)));
    assert_eq!(told.len(), 7, "{told:?}");
}

#[test]
fn in_its_first_week_nobody_knows_who_calls_by_right() {
    let story = Story { known: Known::new([1; 16], 1), window: 100_800, told: Vec::new() };
    assert_eq!(story.told("beacon", 9 * DAY, |_| calls(inside(1), far(1))), []);
}

#[test]
fn one_connection_with_the_same_in_each_window_is_told_after_six_hours_and_a_pool_is_not() {
    let held = |nth: Window, port, bytes| Said {
        ports: (port, 443),
        // The test gives each conversation a port of its own.
        start: 600 + (nth % 2) as u32,
        seconds: 590,
        sent: (bytes, 40, if nth == 0 { 2 } else { 0 }),
        received: Some((bytes, 40, if nth == 0 { 18 } else { 0 })),
        ..talk(inside(1), far(1), 443, 900, 9)
    };
    let one = |bytes: fn(Window) -> u64| {
        let mut story = Story::after(&usual());
        let first = story.window;
        for nth in 0..60 {
            let port = 50_000 - ((story.window as usize + 1) * 100 % 10_000) as u16;
            story.go_on(vec![held(nth, port, bytes(nth))]);
        }
        let told = story.told.into_iter().filter(|told| told.1 == "beacon");
        told.map(|told| (told.0 - first, told.2, told.3, told.4)).collect::<Vec<_>>()
    };
    assert_eq!(one(|nth| 40_000 + (nth % 5) as u64 * 500), [(36, 1, 36, 60)]);
    assert_eq!(one(|nth| 40_000 + (nth % 5) as u64 * 9_000), []);
    let pool = |nth| (0..4).map(|place| held(nth, 40_000 + place * 50, 40_000)).collect();
    assert_eq!(Story::after(&usual()).told("beacon", 60, pool), []);
}

#[test]
fn one_probe_in_each_window_is_a_scan_after_seven_of_them() {
    let probe = |nth: Window| vec![silent(inside(1), inside(1_000 + nth as u32), 22)];
    assert_eq!(Story::after(&usual()).told("scan.trw", 20, probe), [(7, 1, 7, 70)]);
    // And again after a day, if it goes on.
    let told = Story::after(&usual()).told("scan.trw", 200, probe);
    assert_eq!(told.iter().map(|told| told.0).collect::<Vec<_>>(), [7, 7 + DAY]);
    let reset =
        |nth| probe(nth).into_iter().map(|said| Said { received: Some((40, 1, 4)), ..said }).collect();
    assert_eq!(Story::after(&usual()).told("scan.trw", 20, reset).len(), 1);
    let outer = |nth: Window| vec![silent(outside(1), inside(1_000 + nth as u32), 22)];
    assert_eq!(Story::after(&usual()).told("scan.trw", 200, outer), []);
}

#[test]
fn first_contacts_that_answer_and_failures_that_are_none_are_no_scan() {
    let quiet = |said: fn(Window) -> Vec<Said>| Story::after(&usual()).told("scan.trw", 200, said);
    let new = |nth: Window| inside(1_000 + nth as u32);
    // A crawler, of whose peers one in three is not there.
    let crawler = |nth| {
        let said =
            if nth % 3 == 0 { silent } else { |client, server, port| talk(client, server, port, 900, 9) };
        vec![said(inside(1), inside(1_000 + nth as u32), 443)]
    };
    assert_eq!(quiet(crawler), []);
    // Six services that are not there, called again and again.
    assert_eq!(quiet(|nth| vec![silent(inside(1), inside(1_000 + nth as u32 % 6), 443)]), []);
    // Nine of them, but each day.
    let dead = || (0..9).map(|nth| silent(inside(1), inside(1_000 + nth), 443)).collect::<Vec<_>>();
    let mut story = Story::after(&usual());
    story.go_on(dead());
    let told = story.told("scan.trw", 5 * DAY, |nth| if nth % 36 == 0 { dead() } else { Vec::new() });
    assert_eq!(told.len(), 1, "the first time");
    // Targets that answered this morning, and were scaled in.
    let mut story = Story::after(&usual());
    story.go_on((0..40).map(|nth| talk(inside(1), new(nth), 8_080, 900, 9)).collect());
    assert_eq!(
        story.told("scan.trw", 100, |nth| vec![silent(inside(1), inside(1_000 + nth as u32 % 40), 8_080)]),
        []
    );
}

#[test]
fn one_port_looked_for_on_25_hosts_within_a_day_is_a_horizontal_scan() {
    let probe = |nth: Window| vec![silent(inside(1), inside(1_000 + nth as u32), 445)];
    assert_eq!(Story::after(&usual()).told("scan.horizontal", 100, probe), [(25, 1, 25, 80)]);
    let few = |nth: Window| if nth % 6 == 0 { probe(nth) } else { Vec::new() };
    assert_eq!(Story::after(&usual()).told("scan.horizontal", 400, few), [], "24 a day");
    let same = |nth: Window| vec![silent(inside(1), inside(1_000 + nth as u32 % 24), 445)];
    assert_eq!(Story::after(&usual()).told("scan.horizontal", 400, same), []);
}

#[test]
fn a_hundred_megabytes_in_drips_within_a_day_are_told_and_a_backup_is_not() {
    let drip = |bytes| Said { sent: (bytes, 900, 2), ..talk(inside(1), far(1), 443, 9_000, 90) };
    let of = |bytes| Story::after(&usual()).told("exfil.pair", 2 * DAY, |_| vec![drip(bytes)]);
    assert_eq!(of(1_000_000), [(100, 1, 1, 75)]);
    assert_eq!(of(600_000), [], "86 MB a day");
    let ways = |nth: Window| vec![Said { server: far(1 + nth as u32 % 4), ..drip(1_000_000) }];
    assert_eq!(Story::after(&usual()).told("exfil.pair", 2 * DAY, ways), [], "36 MB to each");
    let aws = |_| vec![Said { aws: true, ..drip(9_000_000) }];
    assert_eq!(Story::after(&usual()).told("exfil.pair", 2 * DAY, aws), []);
    // It gets as much each day.
    let mut story = Story { known: Known::new([1; 16], 1), window: 100_800, told: Vec::new() };
    (0..8 * DAY).for_each(|_| story.go_on([usual(), vec![drip(1_000_000)]].concat()));
    assert_eq!(story.told("exfil.pair", DAY, |_| vec![drip(1_000_000)]), []);
}

#[test]
fn passwords_tried_slowly_are_told_of_a_new_client_and_of_who_does_so_each_day_not() {
    let attempt = |client, nth: Window| talk(client, inside(9), 22, 2_000 + nth as u64 % 3 * 40, 12);
    let slow = |client| move |nth: Window| vec![attempt(client, nth)];
    let (own, foreign) = (inside(1), outside(1));
    assert_eq!(Story::after(&usual()).told("bruteforce", 100, slow(own)), [(20, 1, 20, 80)]);
    assert_eq!(
        Story::after(&usual()).told("bruteforce", 300, slow(foreign)),
        [],
        "from outside they fail all day"
    );
    assert_eq!(
        Story::after(&usual()).told("bruteforce", 100, slow(YOUNG)),
        [],
        "nobody knows yet what it is"
    );
    let success = |client| {
        move |nth: Window| {
            let session = talk(client, inside(9), 22, 40_000, 200);
            if nth == 30 { vec![session] } else { vec![attempt(client, nth)] }
        }
    };
    assert_eq!(Story::after(&usual()).told("bruteforce", 100, success(foreign)), [(31, 9, 30, 95)]);
    // A monitor, which has logged in each ten minutes ever since.
    let mut story = Story { known: Known::new([1; 16], 1), window: 100_800, told: Vec::new() };
    (0..8 * DAY).for_each(|nth| story.go_on(vec![attempt(own, nth)]));
    let elsewhere = |nth: Window| vec![Said { server: inside(10), ..attempt(own, nth) }];
    assert_eq!(story.told("bruteforce", 100, elsewhere), []);
    let probes = |_| vec![talk(own, inside(9), 22, 120, 2)];
    assert_eq!(Story::after(&usual()).told("bruteforce", 300, probes), []);
    // A connection that is kept, and whose keys are alike.
    let kept = |nth| vec![Said { seconds: 590, ..attempt(own, nth) }];
    assert_eq!(Story::after(&usual()).told("bruteforce", 300, kept), []);
    let database = |nth| vec![Said { ports: (40_000, 5_432), ..attempt(own, nth) }];
    assert_eq!(Story::after(&usual()).told("bruteforce", 300, database), []);
}
