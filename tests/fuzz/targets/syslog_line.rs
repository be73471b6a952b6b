//! Any lines, as lines of syslog, become one event each and a sound document in either schema; none is refused.

#![no_main]

use floodmark::{
    event::{Documents, Namespace, Receipt},
    normalize::{Checker, Normalizer, SchemaName, Selection},
};
use floodmark_fuzz::lines_of_syslog;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let batch = lines_of_syslog(text);
    assert!(batch.rejects.is_empty(), "nothing is no line of syslog");
    for schema in [SchemaName::Ecs, SchemaName::Ocsf] {
        let mut documents = Documents::new(Receipt::unclaimed());
        Normalizer::new(schema.build(&Namespace::default(), 600)).documents(
            &batch,
            &Selection::default(),
            1_795_260_605_000,
            &mut documents,
        );
        assert_eq!(documents.len(), batch.events.len());
        let checker = Checker::new(schema);
        for index in 0..documents.len() {
            let faults = checker.faults(documents.document(index));
            assert!(faults.is_empty(), "{faults:?}");
        }
    }
});
