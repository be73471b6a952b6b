//! Who began a session: a ladder of evidence, from what the handshake shows down to what is only likely. Flow logs have no
//! field for it, and before version 3 no flags.

use super::{
    leg::{At, Tuple},
    part::Said,
};
use crate::event::InitiatorMethod as Method;
use crate::score::gate::plan::is_reply;

/// What of TCP's flags tells who began: SYN alone asks, SYN with ACK answers.
const HANDSHAKE: u8 = 18;
const ASKS: u8 = 2;
const ANSWERS: u8 = 18;

/// Who began a session of which this much was `said`, and how that is known; `knows` says whether an end is known to serve
/// the port that it has there. None where neither end stands out.
pub(in crate::score) fn initiator(
    tuple: &Tuple,
    said: &Said,
    knows: impl Fn(At) -> bool,
) -> Option<(At, Method)> {
    let only = |is: &dyn Fn(At) -> bool| match At::BOTH.map(is) {
        [true, false] => Some(At::Low),
        [false, true] => Some(At::High),
        _ => None,
    };
    let by_flags = || {
        let shows = |at: At, what| said.flags[at as usize] & HANDSHAKE == what;
        only(&|at| shows(at, ASKS)).or_else(|| only(&|at| shows(at.other(), ANSWERS)))
    };
    // Security groups let answers through: what is refused while the other side is silent or not heard is a question.
    let by_refusal = || only(&|at| said.refused(at) && !said.accepted(at.other()));
    let by_service = || only(&|at| knows(at.other()));
    let by_port = || only(&|at| is_reply(tuple.port(at.other()).into(), tuple.port(at).into()));
    let by_start = || only(&|at| said.first[at as usize] < said.first[at.other() as usize]);
    let by_lower_port = || only(&|at| tuple.port(at.other()) < tuple.port(at));
    let ladder: [(&dyn Fn() -> Option<At>, Method); 6] = [
        (&by_flags, Method::Flags),
        (&by_refusal, Method::Refusal),
        (&by_service, Method::Service),
        (&by_port, Method::Port),
        (&by_start, Method::Start),
        (&by_lower_port, Method::LowerPort),
    ];
    ladder.into_iter().find_map(|(rung, method)| Some((rung()?, method)))
}

#[cfg(test)]
mod tests {
    use super::super::part::Part;
    use super::super::tests::leg;
    use super::*;

    /// A conversation of legs, each with who sent, whether it was accepted, flags and start; and the ports of both ends.
    fn said(ports: (u16, u16), legs: &[(At, bool, u8, u32)]) -> (Tuple, Said) {
        let tuple = Tuple::new((1, ports.0), (2, ports.1), 6, 0).0;
        let mut part = Part::new(tuple);
        for (from, accepted, flags, start) in legs {
            let leg = leg(tuple, *from, *start);
            part.add(&super::super::leg::Leg { accepted: *accepted, flags: *flags, ..leg });
        }
        (tuple, part.said)
    }

    #[test]
    fn each_rung_counts_only_where_those_above_say_nothing() {
        use At::{High, Low};
        let nobody: fn(At) -> bool = |_| false;
        let high_serves: fn(At) -> bool = |at| at == High;
        // ports, legs, who is known to serve → who began, how that is known
        let cases = [
            // A SYN asks, whatever the ports and the clock say.
            ((443, 51_000), vec![(Low, true, 2, 9), (High, true, 18, 1)], nobody, Some((Low, Method::Flags))),
            ((443, 51_000), vec![(Low, true, 3, 9)], nobody, Some((Low, Method::Flags))),
            // Only the answer was seen, with FIN.
            ((51_000, 443), vec![(High, true, 19, 1)], nobody, Some((Low, Method::Flags))),
            // Both ask at once: the flags do not tell.
            ((51_000, 443), vec![(Low, true, 2, 5), (High, true, 2, 5)], nobody, Some((Low, Method::Port))),
            // Refused, and nobody answers.
            ((443, 51_000), vec![(Low, false, 0, 5)], nobody, Some((Low, Method::Refusal))),
            // A network list refuses the answer: AWS's own example of a ping.
            ((51_000, 443), vec![(Low, true, 0, 5), (High, false, 0, 5)], nobody, Some((Low, Method::Port))),
            // A port that nobody has heard of.
            (
                (7_777, 7_776),
                vec![(Low, true, 0, 9), (High, true, 0, 1)],
                high_serves,
                Some((Low, Method::Service)),
            ),
            ((51_000, 5_432), vec![(High, true, 0, 1), (Low, true, 0, 9)], nobody, Some((Low, Method::Port))),
            (
                (7_777, 8_888),
                vec![(High, true, 0, 1), (Low, true, 0, 9)],
                nobody,
                Some((High, Method::Start)),
            ),
            ((7_777, 8_888), vec![(High, true, 0, 1)], nobody, Some((High, Method::Start))),
            (
                (7_777, 8_888),
                vec![(High, true, 0, 1), (Low, true, 0, 1)],
                nobody,
                Some((High, Method::LowerPort)),
            ),
            ((0, 0), vec![(High, true, 0, 1), (Low, true, 0, 1)], nobody, None),
        ];
        for (ports, legs, knows, expected) in cases {
            let (tuple, said) = said(ports, &legs);
            assert_eq!(initiator(&tuple, &said, knows), expected, "{ports:?} {legs:?}");
        }
    }
}
