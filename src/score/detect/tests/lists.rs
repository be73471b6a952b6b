//! What the operator says is not to be: addresses of watch-lists, boundaries that are crossed.

use std::sync::Arc;

use super::*;
use crate::{
    event::{self, Watchlists},
    score::Segment,
};

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
    const NONE: [u8; 0] = [];
    let points = |said: Said| told(&[vec![said]]).into_iter().map(|told| told.2).collect::<Vec<_>>();
    let out = talk(inside(1), outside(7), 443, 900, 9);
    assert_eq!(points(out), [85]);
    assert_eq!(points(Said { server: outside(200), ..out }), NONE, "it is not listed");
    assert_eq!(points(Said { received: None, ..out }), [60]);
    assert_eq!(points(Said { sent: (25_000_000, 20_000, 2), ..out }), [95]);
    assert_eq!(points(refused(inside(1), outside(7), 443)), NONE);
    let there = talk(outside(7), inside(1), 443, 900, 9);
    assert_eq!(points(there), [70]);
    assert_eq!(points(Said { received: Some((25_000_000, 20_000, 18)), ..there }), [95]);
    assert_eq!(points(Said { received: None, ..there }), NONE, "a probe");
    assert_eq!(points(Said { received: Some((40, 1, 4)), ..there }), NONE, "a probe");
    assert_eq!(points(refused(outside(7), inside(1), 443)), NONE);
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

/// What is told of windows with these conversations under one rule: the window, whose, and the end of the sentence.
fn crossed(rule: &str, windows: &[Vec<Said>]) -> Vec<(usize, u32, String)> {
    let rules: [Segment; 1] = [serde_json::from_str(rule).unwrap()];
    let mut known = Known::new([1; 16], 1);
    let mut told = Vec::new();
    for (nth, said) in windows.iter().enumerate() {
        let parts: Vec<Part> = said.iter().enumerate().map(|(nth, said)| part(said, nth)).collect();
        let scene = Scene::new(1 + nth as Window, parts.iter(), std::iter::empty(), &Estate, &mut known);
        for (detector, Sight { who, seen, .. }) in
            look(&scene.kept_apart(&rules), &mut known, &Modes::default())
        {
            if detector.id == "segment" {
                told.push((nth, who.number & 0xff_ffff, seen.said.into()));
            }
        }
    }
    told
}

#[test]
fn a_conversation_across_a_boundary_is_told_once_a_day_and_no_other_is() {
    let rule = r#"{"from": {"net": "1"}, "to": {"net": "2"}}"#;
    let over = talk(inside(101), inside(202), 8_080, 900, 9);
    let all = crossed(rule, &vec![vec![over]; 150]);
    assert_eq!(all.iter().map(|told| (told.0, told.1)).collect::<Vec<_>>(), [(0, 101), (144, 101)]);
    assert_eq!(all[0].2, " talked to 10.0.0.202 on port 8080, across the boundary from net=1 to net=2");
    for other in [
        talk(inside(202), inside(101), 8_080, 900, 9),
        talk(inside(101), inside(102), 8_080, 900, 9),
        talk(inside(101), inside(302), 8_080, 900, 9),
        talk(inside(101), outside(7), 8_080, 900, 9),
        refused(inside(101), inside(202), 8_080),
        silent(inside(101), inside(202), 8_080),
    ] {
        assert_eq!(crossed(rule, &[vec![other]]), []);
    }
}

#[test]
fn a_tag_that_is_not_to_begin_anything_on_a_port_may_not_with_anybody() {
    let rule = r#"{"name": "databases", "from": {"net": "1"}, "ports": [22, 443]}"#;
    let said = [
        talk(inside(101), outside(7), 443, 900, 9),
        talk(inside(101), inside(302), 22, 900, 9),
        talk(inside(101), inside(303), 5_432, 900, 9),
        talk(inside(301), outside(7), 443, 900, 9),
    ];
    let all = crossed(rule, &[said.to_vec()]);
    assert_eq!(all.len(), 1);
    assert!(all[0].2.ends_with(" and 1 more, across the boundary databases"), "{}", all[0].2);
}
