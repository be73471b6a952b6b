//! What the operator says is not to be: addresses of watch-lists.

use std::sync::Arc;

use super::*;
use crate::event::{self, Watchlists};

/// What is told of windows with these conversations, where the network of [`outside`] is listed: the window, whose, points, and the
/// end of the sentence.
fn told(windows: &[Vec<Said>]) -> Vec<(usize, u32, u8, String)> {
    let list = event::Watchlist::read("bad", "192.0.2.0/25 a bad neighbourhood\n192.0.2.77\n").unwrap();
    let lists = Arc::new(Watchlists::of(&[Arc::new(list)]));
    let mut known = Known::new([1; 16], 1);
    let mut told = Vec::new();
    for (nth, said) in windows.iter().enumerate() {
        let parts: Vec<Part> = said.iter().enumerate().map(|(nth, said)| part(said, nth)).collect();
        let scene = Scene::new(1 + nth as Window, parts.iter(), std::iter::empty(), &Estate, &mut known);
        let scene = scene.watching(Some(Arc::clone(&lists)));
        for (detector, Sight { who, seen, .. }) in look(&scene, &mut known, &Modes::default()) {
            if detector.id == "watchlist" {
                told.push((nth, who.number & 0xff_ffff, seen.points, seen.said.into()));
            }
        }
    }
    told
}

#[test]
fn a_conversation_with_a_listed_address_is_told_by_direction_answer_and_bytes() {
    let points = |said: Said| told(&[vec![said]]).into_iter().map(|told| told.2).collect::<Vec<_>>();
    let out = talk(inside(1), outside(7), 443, 900, 9);
    assert_eq!(points(out), [85]);
    assert_eq!(points(Said { server: outside(200), ..out }), Vec::<u8>::new(), "it is not listed");
    assert_eq!(points(Said { received: None, ..out }), [60]);
    assert_eq!(points(Said { sent: (25_000_000, 20_000, 2), ..out }), [95]);
    assert_eq!(points(refused(inside(1), outside(7), 443)), Vec::<u8>::new());
    let there = talk(outside(7), inside(1), 443, 900, 9);
    assert_eq!(points(there), [70]);
    assert_eq!(points(Said { received: Some((25_000_000, 20_000, 18)), ..there }), [95]);
    assert_eq!(points(Said { received: None, ..there }), Vec::<u8>::new(), "a probe");
    assert_eq!(points(Said { received: Some((40, 1, 4)), ..there }), Vec::<u8>::new(), "a probe");
    assert_eq!(points(refused(outside(7), inside(1), 443)), Vec::<u8>::new());
}

#[test]
fn it_is_told_once_a_day_and_again_where_it_weighs_more_and_says_which_line_it_was() {
    let out = talk(inside(1), outside(7), 443, 900, 9);
    let much = Said { sent: (25_000_000, 20_000, 2), ..out };
    let mut windows = vec![vec![out]; 100];
    windows.push(vec![much]);
    windows.resize(300, vec![out]);
    let all = told(&windows);
    let when: Vec<_> = all.iter().map(|told| (told.0, told.2)).collect();
    assert_eq!(when, [(0, 85), (100, 95), (144, 85), (288, 85)]);
    assert_eq!(all[0].3, " talked to 192.0.2.7 on port 443 (bad: 192.0.2.0/25, a bad neighbourhood)");
    let two = told(&[vec![
        out,
        talk(inside(1), outside(77), 443, 900, 9),
        talk(outside(9), inside(2), 22, 900, 9),
    ]]);
    assert_eq!(two.len(), 2, "one of each entity");
    assert!(two[0].3.ends_with(" and 1 more"), "{}", two[0].3);
    assert_eq!(two[1].3, " was called by 192.0.2.9 on port 22 (bad: 192.0.2.0/25, a bad neighbourhood)");
}
