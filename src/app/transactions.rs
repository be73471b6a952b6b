//! Starting the one sink that delivers in transactions: everything that leaves takes the same way, dead letters and what is
//! quarantined too, and the source's positions with it.

use std::sync::Arc;

use super::{
    App, AppError,
    dead_letter::letters,
    outlet::{Outlet, Spare},
    sinks::{Sinks, backoff, selection},
    workers::Quarantine,
};
use crate::{
    config::Exactly,
    pipe::{Stop, queue, stop},
    sink::{Beside, KafkaSinkConfig, KafkaTransactions, TransactionBooks, TransactionLoop},
};

impl App {
    pub(super) fn start_transactions(
        &self,
        exactly: &Exactly<'_>,
        give_up: &Stop,
    ) -> Result<Sinks, AppError> {
        let Exactly { name, sink, kafka, transactions } = *exactly;
        let topic = |to: &crate::sink::To| to.kafka().map(|kafka| kafka.topic.clone());
        let beside = Beside {
            quarantine: topic(&self.config.quarantine.to),
            dead_letter: topic(&self.config.dead_letter.to),
        };
        let config = KafkaSinkConfig { beside, ..kafka.clone() };
        let membership = self.membership.clone().unwrap_or_default();
        let opened = KafkaTransactions::open(&config, &transactions.id, membership)
            .map_err(|error| AppError::Sink { name: name.to_owned(), error })?;
        let (sender, queue) = queue(config.in_flight.as_usize());
        let (failed_switch, failed) = stop();
        let spare = Spare::default();
        let recycled = spare.clone();
        let keepers = &self.books.keepers;
        let books = TransactionBooks {
            sink: self.books.sinks[name].clone(),
            quarantine: keepers["quarantine"].clone(),
            dead_letter: keepers["dead_letter"].clone(),
        };
        let named = name.to_owned();
        let delivery = TransactionLoop {
            name: format!("sink {name}"),
            sink: Arc::new(opened),
            queue,
            every: transactions.every.std(),
            compose: Arc::new(move |refused| letters(&named, refused)),
            backoff: backoff(),
            books: books.clone(),
            health: self.health.clone(),
            give_up: give_up.clone(),
            recycle: Arc::new(move |documents| recycled.put(documents)),
            gone: Arc::new(failed_switch),
        };
        let delivering = vec![(name.to_owned(), tokio::spawn(delivery.run()))];
        let outlet = Outlet { queue: sender, books: books.sink, spare, passes_empty: true };
        let outlets = vec![(outlet, sink.form(), selection(name, sink)?)];
        let quarantine = Quarantine::Within(books.quarantine);
        Ok(Sinks {
            outlets,
            quarantine,
            rekey: None,
            delivering,
            buffered: Vec::new(),
            buffers: Vec::new(),
            failed,
        })
    }
}
