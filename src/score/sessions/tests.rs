//! Sessions over several windows, whoever logs them and in whatever order.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{leg::Tuple, *};
use crate::score::{
    grid::{Grid, Narrow},
    sketch::mixer::Mixer,
};

/// A leg of 1,000 bytes that `from` sent and its own interface saw, over half a minute from `start` on.
pub(super) fn leg(tuple: Tuple, from: At, start: u32) -> Leg {
    Leg {
        tuple,
        hash: tuple.hash(&Mixer::new([7; 16], "sessions")),
        window: Narrow::of(Grid::window(i64::from(start) + 30)),
        from,
        own: from,
        who: Who { number: 9, place: from as u32 },
        passed: false,
        outside: false,
        aws: false,
        accepted: true,
        flags: 0,
        start,
        end: start + 30,
        packets: 10,
        bytes: 1_000,
    }
}

fn tuple(port: u16) -> Tuple {
    Tuple::new((1, port), (2, 443), 6, 0).0
}

/// Hosts of which one serves a port, and whose window 0 raised a finding.
pub(super) struct Estate(pub(super) Option<(At, u8, u16)>);

impl Hosts for Estate {
    fn serves(&self, who: Who, protocol: u8, port: u16) -> bool {
        self.0.is_some_and(|(at, of, served)| (at as u32, of, served) == (who.place, protocol, port))
    }

    fn is_canary(&self, _: Who) -> bool {
        false
    }

    fn has_tags(&self, _: Who, _: &BTreeMap<String, String>) -> bool {
        false
    }

    fn judged(&self, who: Who, window: Window) -> Judgement {
        let judged = Judged::of((window > 0).then_some(10 * who.place as u8), window == 0);
        Judgement { judged, ..Judgement::default() }
    }

    fn born(&self, _: Who) -> Option<Window> {
        None
    }

    fn is_server(&self, _: Who) -> bool {
        false
    }
}

fn sessions(max: usize) -> Sessions {
    Sessions::new(Sizes { max, idle: 2 })
}

/// What comes of `legs`, all of which have come before window 0 folds, through window `last`.
fn outcomes(legs: &[Leg], last: Window) -> Vec<Outcome> {
    let mut sessions = sessions(1_000);
    sessions.observe(legs);
    let mut out = Vec::new();
    (0..=last).for_each(|window| {
        let first = out.len();
        sessions.fold(window, &Estate(None), Some(&mut out));
        out[first..].sort_unstable_by_key(|outcome: &Outcome| outcome.session.tuple);
    });
    out
}

#[test]
fn both_ways_of_three_windows_are_one_session_that_ends_when_nobody_speaks() {
    let (there, back) = (leg(tuple(51_000), At::Low, 10), leg(tuple(51_000), At::High, 11));
    let later =
        |leg: Leg, start| Leg { start, end: start + 30, window: Narrow::of(start as i64 / 600), ..leg };
    let legs = [there, back, later(there, 700), later(back, 1_300)];
    assert_eq!(outcomes(&legs, 3), [], "window 2 has seen it: windows 3 and 4 must be silent");
    let [only] = outcomes(&legs, 4)[..] else { panic!("one session") };
    assert_eq!(only.ending, Some(Ending::Idle));
    assert_eq!(only.initiator, Some((At::Low, InitiatorMethod::Port)));
    let Running { sent, said, windows, .. } = only.session;
    assert_eq!(sent.map(|way| (way.bytes(), way.packets())), [(2_000, 20), (2_000, 20)]);
    assert_eq!((said.first, said.last, said.records, windows), ([10, 11], 1_330, 4, 3));
}

#[test]
fn after_two_silent_windows_the_same_ports_are_another_session() {
    let legs = [leg(tuple(51_000), At::Low, 10), leg(tuple(51_000), At::Low, 1_810)];
    let out = outcomes(&legs, 9);
    assert_eq!(out.iter().map(|one| one.session.start()).collect::<Vec<_>>(), [10, 1_810]);
    let nearer = [legs[0], leg(tuple(51_000), At::Low, 1_210)];
    assert_eq!(outcomes(&nearer, 9).len(), 1);
}

#[test]
fn a_session_is_as_surprising_as_the_most_surprising_window_of_either_end_in_which_it_was_seen() {
    let at = |from, start| leg(tuple(51_000), from, start);
    let judged = |legs: &[Leg]| outcomes(legs, 9)[0].session.judged;
    assert_eq!(judged(&[at(At::Low, 10)]), Judged::of(None, true));
    assert_eq!(judged(&[at(At::Low, 610), at(At::High, 610)]), Judged::of(Some(10), false));
    assert_eq!(judged(&[at(At::Low, 10), at(At::Low, 610)]), Judged::of(Some(0), true));
}

#[test]
fn what_goes_on_when_everything_ends_is_told_once() {
    let long = (0..6).map(|nth| leg(tuple(51_000), At::Low, 3_000 + nth * 600));
    let legs: Vec<Leg> = long.chain([leg(tuple(51_001), At::Low, 5_000)]).collect();
    // At the end of an hour the fold tells of the long one.
    for (last, told) in [(10, vec![Some(Ending::Idle), None]), (11, vec![Some(Ending::Idle), None])] {
        let mut sessions = sessions(10);
        sessions.observe(&legs);
        let mut out = Vec::new();
        (1..=last).for_each(|window| sessions.fold(window, &Estate(None), Some(&mut out)));
        sessions.tell_rest(last, &Estate(None), &mut out);
        assert_eq!(out.iter().map(|one| one.ending).collect::<Vec<_>>(), told, "through {last}");
    }
}

#[test]
fn a_session_of_hours_is_told_of_each_hour_and_at_its_end() {
    let legs: Vec<Leg> = (0..18).map(|nth| leg(tuple(51_000), At::Low, nth * 600)).collect();
    let out = outcomes(&legs, 30);
    let told: Vec<_> = out.iter().map(|one| (one.session.windows, one.ending)).collect();
    assert_eq!(told, [(12, None), (18, None), (18, Some(Ending::Idle))]);
}

#[test]
fn who_is_known_to_serve_a_port_tells_who_began() {
    let unknown = Tuple::new((1, 7_776), (2, 7_777), 6, 0).0;
    let mut sessions = sessions(10);
    sessions.observe(&[leg(unknown, At::Low, 10), leg(unknown, At::High, 9)]);
    let mut out = Vec::new();
    let estate = Estate(Some((At::High, 6, 7_777)));
    (0..4).for_each(|window| sessions.fold(window, &estate, Some(&mut out)));
    assert_eq!(out[0].initiator, Some((At::Low, InitiatorMethod::Service)));
}

#[test]
fn a_flood_from_outside_takes_half_of_the_room_and_what_is_inside_or_answered_goes_on() {
    let mut sessions = sessions(10);
    let from_outside = |port| {
        let leg = leg(tuple(port), At::Low, 10);
        Leg { own: At::High, who: Who { place: 1, number: 9 }, ..leg }
    };
    let flood: Vec<Leg> = (0..20).map(|nth| from_outside(50_000 + nth)).collect();
    sessions.observe(&flood);
    assert_eq!((sessions.held(), sessions.totals.crowded_out), ((5, 0), 15));
    // Two of them are answered, so that two more find room.
    sessions.observe(&[leg(tuple(50_000), At::High, 11), leg(tuple(50_001), At::High, 11)]);
    sessions.observe(&flood);
    assert_eq!(sessions.held(), (7, 0));
    let inside: Vec<Leg> = (0..5).map(|nth| leg(tuple(40_000 + nth), At::Low, 10)).collect();
    sessions.observe(&inside);
    assert_eq!(sessions.held(), (10, 0));
}

#[test]
fn what_ended_leaves_its_place_to_others_and_is_not_found_again() {
    let mut sessions = sessions(4);
    let mut out = Vec::new();
    for window in 0..20_u32 {
        let ended = |port| Leg { flags: 4, ..leg(tuple(port), At::Low, window * 600) };
        sessions.observe(&[ended(1), ended(2), leg(tuple(3), At::Low, window * 600)]);
        sessions.fold(window.into(), &Estate(None), Some(&mut out));
        assert_eq!(sessions.held(), (0, 1));
    }
    assert_eq!((sessions.totals, out.len()), (Totals { crowded_out: 0, ended: 40 }, 42));
    assert!(out.iter().all(|one| one.session.windows == 1 || one.session.tuple.port(At::Low) == 3));
}

fn legs() -> impl Strategy<Value = Vec<Leg>> {
    let at = || prop_oneof![Just(At::Low), Just(At::High)];
    let one = (1..4_u16, at(), at(), any::<bool>(), any::<bool>(), 0..32_u8, 0..6_000_u32);
    let one = one.prop_map(|(port, from, own, passed, accepted, flags, start)| {
        let leg = leg(tuple(port), from, start);
        Leg { own, who: Who { place: own as u32, number: 9 }, passed, accepted, flags, ..leg }
    });
    prop::collection::vec(one, 0..40)
}

proptest! {
    #[test]
    fn the_order_of_records_does_not_matter_and_nothing_is_lost((legs, shuffled) in legs().prop_flat_map(|legs| {
        (Just(legs.clone()), Just(legs).prop_shuffle())
    })) {
        let told = outcomes(&legs, 20);
        prop_assert_eq!(&told, &outcomes(&shuffled, 20));
        let ended = told.iter().filter(|one| one.ending.is_some());
        prop_assert_eq!(ended.map(|one| one.session.said.records as usize).sum::<usize>(), legs.len());
    }
}
