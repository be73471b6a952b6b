//! Services by their well-known port: a table of what matters in a data centre.
//!
//! Names follow IANA's "Service Name and Transport Protocol Port Number Registry" except where people say something else
//! (`rdp`, `smb`, `mssql`), and the makers' documentation for products that never registered.

use super::protocol;

/// The service that a flow is for: what its receiver's port stands for, else what its sender's does. Only TCP and UDP
/// have well-known ports here.
#[inline]
pub(super) fn of(
    protocol: u8,
    source_port: Option<u16>,
    destination_port: Option<u16>,
) -> Option<&'static str> {
    let (known, index) = match protocol {
        protocol::TCP => (&TCP_KNOWN, &TCP_INDEX),
        protocol::UDP => (&UDP_KNOWN, &UDP_INDEX),
        _ => return None,
    };
    let service = |port: u16| {
        // Most ports are drawn by chance from many and stand for nothing: for those the smaller table is enough.
        let is_known = known[usize::from(port / 64)] >> (port % 64) & 1 == 1;
        is_known.then(|| SERVICES.get(usize::from(index[usize::from(port)]).checked_sub(1)?)).flatten()
    };
    destination_port.and_then(service).or_else(|| source_port.and_then(service)).map(|row| row.2)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Tcp,
    Udp,
    Both,
}

use Over::{Both, Tcp, Udp};

/// For every port the place of its row in [`SERVICES`] plus one, or 0: a look-up is one byte.
static TCP_INDEX: [u8; 65_536] = index(Tcp);
static UDP_INDEX: [u8; 65_536] = index(Udp);

const fn index(over: Over) -> [u8; 65_536] {
    assert!(SERVICES.len() <= u8::MAX as usize, "a row's place fits a byte");
    let mut index = [0; 65_536];
    let mut row = 0;
    while row < SERVICES.len() {
        let (port, transport, _) = SERVICES[row];
        if matches!(transport, Both) || transport as u8 == over as u8 {
            index[port as usize] = row as u8 + 1;
        }
        row += 1;
    }
    index
}

/// For every port one bit: whether it has a row.
static TCP_KNOWN: [u64; 1024] = known(&TCP_INDEX);
static UDP_KNOWN: [u64; 1024] = known(&UDP_INDEX);

const fn known(index: &[u8; 65_536]) -> [u64; 1024] {
    let mut known = [0; 1024];
    let mut port = 0;
    while port < index.len() {
        known[port / 64] |= ((index[port] != 0) as u64) << (port % 64);
        port += 1;
    }
    known
}

/// Port, transport, name; in order of port.
#[rustfmt::skip]
const SERVICES: &[(u16, Over, &str)] = &[
    (7, Both, "echo"), (9, Both, "discard"), (19, Both, "chargen"), (20, Tcp, "ftp-data"), (21, Tcp, "ftp"),
    (22, Tcp, "ssh"), (23, Tcp, "telnet"), (25, Tcp, "smtp"), (43, Tcp, "whois"), (49, Both, "tacacs"),
    (53, Both, "dns"), (67, Udp, "dhcp"), (68, Udp, "dhcp"), (69, Udp, "tftp"), (80, Tcp, "http"),
    (88, Both, "kerberos"), (102, Tcp, "iso-tsap"), (104, Tcp, "dicom"), (110, Tcp, "pop3"),
    (111, Both, "rpcbind"), (123, Udp, "ntp"), (135, Both, "msrpc"), (137, Both, "netbios-ns"),
    (138, Udp, "netbios-dgm"), (139, Tcp, "netbios-ssn"), (143, Tcp, "imap"), (161, Both, "snmp"),
    (162, Both, "snmptrap"), (179, Tcp, "bgp"), (194, Tcp, "irc"), (319, Udp, "ptp-event"),
    (320, Udp, "ptp-general"), (389, Both, "ldap"), (427, Both, "slp"), (443, Both, "https"),
    (445, Tcp, "smb"), (464, Both, "kpasswd"), (465, Tcp, "smtps"), (500, Udp, "isakmp"),
    (502, Tcp, "modbus"), (512, Tcp, "rexec"), (513, Tcp, "rlogin"), (514, Tcp, "rsh"),
    (514, Udp, "syslog"), (515, Tcp, "lpd"), (520, Udp, "rip"), (521, Udp, "ripng"), (523, Both, "ibm-db2"),
    (546, Udp, "dhcpv6"), (547, Udp, "dhcpv6"), (548, Tcp, "afp"), (554, Both, "rtsp"),
    (587, Tcp, "smtp-submission"), (593, Tcp, "http-rpc-epmap"), (623, Both, "ipmi"), (631, Both, "ipp"),
    (636, Tcp, "ldaps"), (646, Both, "ldp"), (647, Tcp, "dhcp-failover"), (694, Udp, "ha-cluster"),
    (749, Both, "kerberos-adm"), (830, Tcp, "netconf"), (853, Both, "dns-over-tls"),
    (860, Tcp, "iscsi-system"), (873, Tcp, "rsync"), (902, Tcp, "vmware-authd"), (989, Tcp, "ftps-data"),
    (990, Tcp, "ftps"), (992, Tcp, "telnets"), (993, Tcp, "imaps"), (995, Tcp, "pop3s"),
    (1080, Tcp, "socks"), (1099, Tcp, "java-rmi"), (1194, Both, "openvpn"), (1414, Tcp, "ibm-mq"),
    (1433, Tcp, "mssql"), (1434, Both, "mssql-monitor"), (1512, Both, "wins"), (1521, Tcp, "oracle"),
    (1645, Udp, "radius"), (1646, Udp, "radius-accounting"), (1701, Udp, "l2tp"),
    (1719, Udp, "h323-gatekeeper"), (1720, Tcp, "h323"), (1723, Tcp, "pptp"), (1812, Both, "radius"),
    (1813, Both, "radius-accounting"), (1883, Tcp, "mqtt"), (1900, Udp, "ssdp"), (1935, Tcp, "rtmp"),
    (2000, Tcp, "cisco-sccp"), (2049, Both, "nfs"), (2152, Udp, "gtp-user"), (2181, Tcp, "zookeeper"),
    (2375, Tcp, "docker"), (2376, Tcp, "dockers"), (2377, Tcp, "docker-swarm"), (2379, Tcp, "etcd"),
    (2380, Tcp, "etcd-peer"), (2404, Tcp, "iec-104"), (2483, Tcp, "oracle-db"), (2484, Tcp, "oracle-dbs"),
    (2638, Tcp, "sybase"), (2775, Tcp, "smpp"), (2888, Tcp, "zookeeper-peer"), (3000, Tcp, "grafana"),
    (3050, Tcp, "firebird"), (3128, Tcp, "squid"), (3260, Tcp, "iscsi"), (3268, Tcp, "ldap-gc"),
    (3269, Tcp, "ldap-gcs"), (3283, Both, "apple-remote-desktop"), (3306, Tcp, "mysql"),
    (3389, Both, "rdp"), (3478, Both, "stun"), (3544, Udp, "teredo"), (3632, Tcp, "distcc"),
    (3690, Tcp, "svn"), (3702, Both, "ws-discovery"), (3784, Udp, "bfd"), (3868, Both, "diameter"),
    (4040, Tcp, "spark-ui"), (4222, Tcp, "nats"), (4242, Tcp, "opentsdb"), (4369, Tcp, "epmd"),
    (4500, Udp, "ipsec-nat-t"), (4505, Tcp, "salt-publish"), (4506, Tcp, "salt-return"),
    (4567, Tcp, "galera"), (4646, Tcp, "nomad"), (4647, Tcp, "nomad-rpc"), (4739, Both, "ipfix"),
    (4786, Tcp, "cisco-smart-install"), (4789, Udp, "vxlan"), (4840, Tcp, "opc-ua"), (5004, Udp, "rtp"),
    (5005, Udp, "rtcp"), (5044, Tcp, "beats"), (5060, Both, "sip"), (5061, Tcp, "sips"),
    (5201, Both, "iperf3"), (5222, Tcp, "xmpp"), (5269, Tcp, "xmpp-server"), (5349, Both, "stuns"),
    (5351, Udp, "nat-pmp"), (5353, Udp, "mdns"), (5355, Both, "llmnr"), (5432, Tcp, "postgresql"),
    (5439, Tcp, "redshift"), (5555, Tcp, "adb"), (5601, Tcp, "kibana"), (5666, Tcp, "nrpe"),
    (5671, Tcp, "amqps"), (5672, Tcp, "amqp"), (5683, Udp, "coap"), (5684, Udp, "coaps"),
    (5900, Tcp, "vnc"), (5938, Both, "teamviewer"), (5984, Tcp, "couchdb"), (5985, Tcp, "winrm"),
    (5986, Tcp, "winrms"), (6000, Tcp, "x11"), (6081, Udp, "geneve"), (6343, Udp, "sflow"),
    (6379, Tcp, "redis"), (6443, Tcp, "kubernetes-api"), (6514, Both, "syslog-tls"), (6667, Tcp, "irc"),
    (6697, Tcp, "ircs"), (6881, Both, "bittorrent"), (7000, Tcp, "cassandra-peer"),
    (7001, Tcp, "cassandra-peers"), (7077, Tcp, "spark"), (7199, Tcp, "cassandra-jmx"),
    (7474, Tcp, "neo4j-http"), (7687, Tcp, "neo4j"), (8000, Tcp, "http-alt"), (8008, Tcp, "http-alt"),
    (8020, Tcp, "hdfs"), (8080, Tcp, "http-alt"), (8081, Tcp, "http-alt"), (8086, Tcp, "influxdb"),
    (8088, Tcp, "yarn"), (8089, Tcp, "splunk-management"), (8123, Tcp, "clickhouse-http"),
    (8125, Udp, "statsd"), (8200, Tcp, "vault"), (8300, Tcp, "consul-rpc"), (8301, Both, "consul-serf"),
    (8302, Both, "consul-serf-wan"), (8333, Tcp, "bitcoin"), (8443, Tcp, "https-alt"),
    (8472, Udp, "vxlan-linux"), (8500, Tcp, "consul"), (8600, Both, "consul-dns"), (8834, Tcp, "nessus"),
    (8883, Tcp, "mqtts"), (8888, Tcp, "http-alt"), (9000, Tcp, "clickhouse"), (9042, Tcp, "cassandra"),
    (9090, Tcp, "prometheus"), (9092, Tcp, "kafka"), (9093, Tcp, "alertmanager"), (9094, Tcp, "kafka-tls"),
    (9096, Tcp, "kafka-sasl"), (9098, Tcp, "kafka-iam"), (9100, Tcp, "jetdirect"),
    (9160, Tcp, "cassandra-thrift"), (9200, Tcp, "elasticsearch"), (9300, Tcp, "elasticsearch-peer"),
    (9418, Tcp, "git"), (9600, Tcp, "logstash"), (9870, Tcp, "hdfs-namenode"), (9993, Udp, "zerotier"),
    (9997, Tcp, "splunk"), (10050, Tcp, "zabbix-agent"), (10051, Tcp, "zabbix"), (10250, Tcp, "kubelet"),
    (11211, Both, "memcached"), (11434, Tcp, "ollama"), (15672, Tcp, "rabbitmq-management"),
    (16379, Tcp, "redis-bus"), (20000, Both, "dnp3"), (22000, Both, "syncthing"), (24224, Both, "fluentd"),
    (26257, Tcp, "cockroachdb"), (26379, Tcp, "redis-sentinel"), (27017, Tcp, "mongodb"),
    (27018, Tcp, "mongodb"), (27019, Tcp, "mongodb"), (30303, Both, "ethereum"), (33060, Tcp, "mysqlx"),
    (41641, Udp, "tailscale"), (44818, Both, "ethernet-ip"), (47808, Udp, "bacnet"),
    (50000, Tcp, "ibm-db2"), (50051, Tcp, "grpc"), (51820, Udp, "wireguard"), (61616, Tcp, "activemq"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_ports_have_their_service() {
        for (port, expected) in [
            (22, "ssh"),
            (53, "dns"),
            (80, "http"),
            (88, "kerberos"),
            (389, "ldap"),
            (443, "https"),
            (445, "smb"),
            (1433, "mssql"),
            (3306, "mysql"),
            (3389, "rdp"),
            (5432, "postgresql"),
            (6379, "redis"),
            (9092, "kafka"),
            (9200, "elasticsearch"),
            (27017, "mongodb"),
            (61616, "activemq"),
        ] {
            assert_eq!(of(protocol::TCP, None, Some(port)), Some(expected), "{port}");
        }
        assert_eq!(of(protocol::UDP, None, Some(123)), Some("ntp"));
    }

    #[test]
    fn a_port_means_what_it_means_on_its_own_transport() {
        assert_eq!(of(protocol::TCP, None, Some(514)), Some("rsh"));
        assert_eq!(of(protocol::UDP, None, Some(514)), Some("syslog"));
        assert_eq!(of(protocol::UDP, None, Some(22)), None);
        assert_eq!(of(protocol::TCP, None, Some(123)), None);
        assert_eq!(of(protocol::UDP, None, Some(443)), Some("https"), "both");
        assert_eq!(of(protocol::SCTP, None, Some(80)), None);
    }

    #[test]
    fn the_receivers_port_is_asked_first_and_the_senders_next() {
        assert_eq!(of(protocol::TCP, Some(22), Some(3306)), Some("mysql"));
        assert_eq!(of(protocol::TCP, Some(443), Some(51_234)), Some("https"));
        assert_eq!(of(protocol::TCP, Some(40_000), Some(51_234)), None);
        assert_eq!(of(protocol::TCP, Some(443), None), Some("https"));
        assert_eq!(of(protocol::TCP, None, None), None);
    }

    #[test]
    fn the_table_is_in_order_and_every_row_is_found() {
        assert!(SERVICES.len() >= 150, "{} services", SERVICES.len());
        assert!(SERVICES.windows(2).all(|pair| pair[0].0 <= pair[1].0), "in order of port");
        for (port, over, name) in SERVICES {
            if *over != Udp {
                assert_eq!(of(protocol::TCP, None, Some(*port)), Some(*name), "tcp {port}");
            }
            if *over != Tcp {
                assert_eq!(of(protocol::UDP, None, Some(*port)), Some(*name), "udp {port}");
            }
        }
    }
}
