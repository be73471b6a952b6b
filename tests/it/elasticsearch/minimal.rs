//! Servers with templates of the least that the sink asks for.

use serde_json::json;

use crate::{
    process::Folder,
    servers::{Product, Server},
};

/// As [`Server::shared`].
pub fn shared(name: &str, product: Product) -> Option<Server> {
    Server::shared(name, product).inspect(set_up)
}

/// As [`Server::all`].
pub fn all(name: &str) -> impl Iterator<Item = Server> {
    Server::all(name).inspect(set_up)
}

/// As [`Server::own`].
pub fn own(name: &str, product: Product, folder: &Folder, settings: &[&str]) -> Option<Server> {
    Server::own(name, product, folder, settings).inspect(set_up)
}

/// The least that the sink asks of a target: few types, so that a test can have others.
fn set_up(server: &Server) {
    let body = |pattern: &str, stream: bool| {
        let mut body = json!({
            "index_patterns": [pattern],
            "priority": 300,
            "template": {
                "settings": { "number_of_replicas": 0 },
                "mappings": {
                    "_meta": { "managed_by": "floodmark" },
                    "properties": {
                        "@timestamp": { "type": "date" },
                        "source": { "properties": { "ip": { "type": "ip" }, "bytes": { "type": "long" } } },
                    }
                }
            }
        });
        if stream {
            body["data_stream"] = json!({});
        }
        body
    };
    server.must("PUT", "/_index_template/floodmark-streams", Some(&body("logs-floodmark.*-*", true)));
    server.must("PUT", "/_index_template/floodmark-indices", Some(&body("floodmark-*", false)));
}
