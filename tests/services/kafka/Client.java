// The independent client of the Kafka tests: what the program writes is read with Kafka's own client, never with the
// library that wrote it, and what it reads was written with this one.
//
// One command a run. Output is on stdout; what went wrong is one line on stderr and an exit code that is not 0. The
// commands and their options are in the constant USAGE.

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public final class Client {
    private static final String USAGE = """
        create TOPIC PARTITIONS [KEY=VALUE...]
        delete TOPIC                        returns when the topic is gone
        grow TOPIC PARTITIONS
        config [--group] NAME KEY=VALUE...  of a topic or a group
        produce TOPIC FILE [--keyed | --partition N] [--rate N] [--escaped] [--transactional ID [--abort]]
                                            each line is a value, or with --keyed a key, a tab and a value; line I
                                            goes to partition I % partitions; prints how many were acknowledged;
                                            --escaped: \\HH in a line is a byte, and a line \\- is no value at all
        consume TOPIC OUT [--uncommitted] [--slow MS]
                                            to the end as it is at the start; a line for each record: partition,
                                            offset, timestamp in ms, key, headers, value, with tabs between them
        trim TOPIC PARTITION OFFSET         deletes the records before OFFSET, as retention does
        count TOPIC                         a line for each partition: number, begin, end; then `total N`
        offsets GROUP                       a line for each partition: topic, partition, offset, metadata, with tabs
        group GROUP                         the state; then a line for each member: its id, its client's id, its
                                            instance id, its partitions, with tabs
        seed-offset GROUP TOPIC PARTITION OFFSET [METADATA]
        allow USER OPERATION TYPE NAME      a NAME that ends in * is a prefix
        forbid USER OPERATION TYPE NAME     takes back what allow gave, and denies
        scram USER PASSWORD
        With any of them: --broker HOST:PORT instead of FLOODMARK_KAFKA; --set KEY=VALUE, a setting of the client""";

    private static final Set<String> FLAGS = Set.of("keyed", "abort", "uncommitted", "group", "escaped");
    private static final Set<String> VALUED =
        Set.of("broker", "set", "partition", "rate", "transactional", "slow");
    /** How long anything may take that does not move. */
    private static final Duration DEADLINE = Duration.ofSeconds(60);

    private final List<String> words = new ArrayList<>();
    private final Map<String, String> options = new HashMap<>();
    private final Map<String, Object> settings = new HashMap<>();

    public static void main(String[] arguments) {
        int code = 0;
        try {
            Client client = new Client(arguments);
            client.run();
        } catch (IllegalArgumentException error) {
            System.err.println("client: " + error.getMessage() + "\n" + USAGE);
            code = 64;
        } catch (Exception error) {
            Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
            System.err.println("client: " + cause.getClass().getSimpleName() + ": " + cause.getMessage());
            code = 1;
        }
        System.out.flush();
        System.exit(code);
    }

    private Client(String[] arguments) {
        ArrayDeque<String> left = new ArrayDeque<>(Arrays.asList(arguments));
        settings.put("default.api.timeout.ms", "30000");
        while (!left.isEmpty()) {
            String word = left.poll();
            String name = word.startsWith("--") ? word.substring(2) : "";
            if (FLAGS.contains(name)) {
                options.put(name, "");
            } else if (VALUED.contains(name) && !left.isEmpty()) {
                String value = left.poll();
                if (name.equals("set")) {
                    settings.put(value.split("=", 2)[0], value.split("=", 2)[1]);
                } else {
                    options.put(name, value);
                }
            } else if (!name.isEmpty()) {
                throw new IllegalArgumentException("unknown option or no value: " + word);
            } else {
                words.add(word);
            }
        }
        String broker = options.getOrDefault("broker", System.getenv("FLOODMARK_KAFKA"));
        if (broker == null) {
            throw new IllegalArgumentException("neither --broker nor FLOODMARK_KAFKA names a broker");
        }
        settings.put("bootstrap.servers", broker);
    }

    private void run() throws Exception {
        switch (word(0)) {
            case "produce" -> produce(word(1), Path.of(word(2)));
            case "consume" -> consume(word(1), Path.of(word(2)));
            default -> {
                try (Admin admin = Admin.create(settings)) {
                    administer(admin);
                }
            }
        }
    }

    private void administer(Admin admin) throws Exception {
        switch (word(0)) {
            case "create" -> create(admin, word(1), number(2));
            case "delete" -> delete(admin, word(1));
            case "grow" -> grow(admin, word(1), number(2));
            case "config" -> config(admin, word(1));
            case "trim" -> trim(admin, new TopicPartition(word(1), number(2)), number(3));
            case "count" -> count(admin, word(1));
            case "offsets" -> offsets(admin, word(1));
            case "group" -> group(admin, word(1));
            case "seed-offset" -> seed(admin, word(1), new TopicPartition(word(2), number(3)));
            case "allow" -> rule(admin, AclPermissionType.ALLOW, AclPermissionType.DENY);
            case "forbid" -> rule(admin, AclPermissionType.DENY, AclPermissionType.ALLOW);
            case "scram" -> scram(admin, word(1), word(2));
            default -> throw new IllegalArgumentException("unknown command: " + word(0));
        }
    }

    private String word(int at) {
        if (at >= words.size()) {
            throw new IllegalArgumentException("too few words");
        }
        return words.get(at);
    }

    private int number(int at) {
        return Integer.parseInt(word(at));
    }

    /** The words from `at` on, each KEY=VALUE. */
    private Map<String, String> pairs(int at) {
        Map<String, String> pairs = new HashMap<>();
        for (String pair : words.subList(Math.min(at, words.size()), words.size())) {
            String[] parts = pair.split("=", 2);
            if (parts.length < 2) {
                throw new IllegalArgumentException("not KEY=VALUE: " + pair);
            }
            pairs.put(parts[0], parts[1]);
        }
        return pairs;
    }

    // === topics ===

    private void create(Admin admin, String topic, int partitions) throws Exception {
        NewTopic wanted = new NewTopic(topic, Optional.of(partitions), Optional.empty()).configs(pairs(3));
        admin.createTopics(List.of(wanted)).all().get();
        await("the topic", () -> led(admin, topic) == partitions);
    }

    private void delete(Admin admin, String topic) throws Exception {
        admin.deleteTopics(List.of(topic)).all().get();
        await("the end of the topic", () -> led(admin, topic) < 0);
    }

    private void grow(Admin admin, String topic, int partitions) throws Exception {
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(partitions))).all().get();
        await("the partitions", () -> led(admin, topic) == partitions);
    }

    private void config(Admin admin, String name) throws Exception {
        boolean ofGroup = options.containsKey("group");
        ConfigResource place =
            new ConfigResource(ofGroup ? ConfigResource.Type.GROUP : ConfigResource.Type.TOPIC, name);
        Map<String, String> wanted = pairs(2);
        Collection<AlterConfigOp> changes = wanted.entrySet().stream()
            .map(pair -> new ConfigEntry(pair.getKey(), pair.getValue()))
            .map(entry -> new AlterConfigOp(entry, AlterConfigOp.OpType.SET))
            .toList();
        admin.incrementalAlterConfigs(Map.of(place, changes)).all().get();
        await("the settings", () -> {
            var now = admin.describeConfigs(List.of(place)).all().get().get(place);
            return wanted.entrySet().stream()
                .allMatch(pair -> now.get(pair.getKey()).value().equals(pair.getValue()));
        });
    }

    /** How many partitions of the topic have a leader; -1 where there is no such topic. */
    private static long led(Admin admin, String topic) throws Exception {
        try {
            TopicDescription found = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
            return found.partitions().stream().filter(part -> part.leader() != null).count();
        } catch (ExecutionException error) {
            if (error.getCause() instanceof UnknownTopicOrPartitionException) {
                return -1;
            }
            throw error;
        }
    }

    /** What the controller has decided, the broker knows a moment later: asks until it does. */
    private static void await(String what, Callable<Boolean> look) throws Exception {
        long end = System.nanoTime() + DEADLINE.toNanos();
        while (!look.call()) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException(what + " did not come about");
            }
            Thread.sleep(10);
        }
    }

    private static void trim(Admin admin, TopicPartition part, long offset) throws Exception {
        admin.deleteRecords(Map.of(part, RecordsToDelete.beforeOffset(offset))).all().get();
    }

    private void count(Admin admin, String topic) throws Exception {
        int partitions =
            admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
        Map<TopicPartition, OffsetSpec> first = new HashMap<>();
        Map<TopicPartition, OffsetSpec> last = new HashMap<>();
        for (int partition = 0; partition < partitions; partition++) {
            first.put(new TopicPartition(topic, partition), OffsetSpec.earliest());
            last.put(new TopicPartition(topic, partition), OffsetSpec.latest());
        }
        Map<TopicPartition, ListOffsetsResultInfo> begin = admin.listOffsets(first).all().get();
        Map<TopicPartition, ListOffsetsResultInfo> end = admin.listOffsets(last).all().get();
        long total = 0;
        for (TopicPartition part : sorted(begin.keySet())) {
            System.out.println(part.partition() + " " + begin.get(part).offset() + " " + end.get(part).offset());
            total += end.get(part).offset() - begin.get(part).offset();
        }
        System.out.println("total " + total);
    }

    private static List<TopicPartition> sorted(Collection<TopicPartition> parts) {
        return parts.stream()
            .sorted(Comparator.comparing(TopicPartition::topic).thenComparing(TopicPartition::partition))
            .toList();
    }

    // === groups ===

    private void offsets(Admin admin, String group) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> found =
            admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        for (TopicPartition part : sorted(found.keySet())) {
            OffsetAndMetadata at = found.get(part);
            if (at != null) {
                System.out.println(String.join("\t", part.topic(), "" + part.partition(), "" + at.offset(),
                    at.metadata()));
            }
        }
    }

    private void group(Admin admin, String name) throws Exception {
        ConsumerGroupDescription found;
        try {
            found = admin.describeConsumerGroups(List.of(name)).all().get().get(name);
        } catch (ExecutionException error) {
            if (error.getCause() instanceof GroupIdNotFoundException) {
                System.out.println("Dead");
                return;
            }
            throw error;
        }
        System.out.println(found.groupState());
        for (MemberDescription member : found.members()) {
            String parts = sorted(member.assignment().topicPartitions()).stream()
                .map(TopicPartition::toString)
                .collect(Collectors.joining(","));
            System.out.println(String.join("\t", member.consumerId(), member.clientId(),
                member.groupInstanceId().orElse("-"), parts));
        }
    }

    private void seed(Admin admin, String group, TopicPartition part) throws Exception {
        String metadata = words.size() > 5 ? word(5) : "";
        OffsetAndMetadata at = new OffsetAndMetadata(Long.parseLong(word(4)), metadata);
        admin.alterConsumerGroupOffsets(group, Map.of(part, at)).all().get();
    }

    // === access ===

    /** Gives one permission and takes the other back, so that the last command is the one that counts. */
    private void rule(Admin admin, AclPermissionType given, AclPermissionType taken) throws Exception {
        String name = word(4);
        boolean prefix = name.length() > 1 && name.endsWith("*");
        ResourcePattern pattern = new ResourcePattern(ResourceType.valueOf(word(3)),
            prefix ? name.substring(0, name.length() - 1) : name,
            prefix ? PatternType.PREFIXED : PatternType.LITERAL);
        AclOperation operation = AclOperation.valueOf(word(2));
        AclBinding give = binding(pattern, operation, given);
        AclBinding take = binding(pattern, operation, taken);
        admin.deleteAcls(List.of(take.toFilter())).all().get();
        admin.createAcls(List.of(give)).all().get();
        await("the rule", () -> admin.describeAcls(give.toFilter()).values().get().size() == 1
            && admin.describeAcls(take.toFilter()).values().get().isEmpty());
    }

    private AclBinding binding(ResourcePattern pattern, AclOperation operation, AclPermissionType permission) {
        return new AclBinding(pattern, new AccessControlEntry("User:" + word(1), "*", operation, permission));
    }

    private void scram(Admin admin, String user, String password) throws Exception {
        for (ScramMechanism mechanism : List.of(ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)) {
            ScramCredentialInfo how = new ScramCredentialInfo(mechanism, 4096);
            admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(user, how, password)))
                .all().get();
        }
        await("the user", () -> admin.describeUserScramCredentials(List.of(user)).all().get().get(user)
            .credentialInfos().size() == 2);
    }

    // === records ===

    private void produce(String topic, Path file) throws Exception {
        settings.put("key.serializer", ByteArraySerializer.class);
        settings.put("value.serializer", ByteArraySerializer.class);
        settings.put("acks", "all");
        settings.put("linger.ms", "5");
        settings.put("batch.size", "262144");
        // What was learned of a topic is kept while no broker answers: a writer goes on taking lines, and the test that
        // killed the broker goes on to start it again.
        settings.put("metadata.recovery.strategy", "none");
        String transaction = options.get("transactional");
        if (transaction != null) {
            settings.put("transactional.id", transaction);
        }
        settings.remove("default.api.timeout.ms");
        AtomicLong acknowledged = new AtomicLong();
        AtomicReference<Exception> fault = new AtomicReference<>();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings);
            InputStream in = Files.newInputStream(file)) {
            Lines lines = new Lines(in);
            if (transaction != null) {
                producer.initTransactions();
                producer.beginTransaction();
            }
            int partitions = producer.partitionsFor(topic).size();
            double rate = Double.parseDouble(options.getOrDefault("rate", "0"));
            long begun = System.nanoTime();
            long sent = 0;
            for (byte[] line = lines.next(); line != null && fault.get() == null; line = lines.next()) {
                pace(begun, sent, rate);
                producer.send(record(topic, line, (int) (sent % partitions)), (metadata, error) -> {
                    if (error == null) {
                        acknowledged.incrementAndGet();
                    } else {
                        fault.compareAndSet(null, error);
                    }
                });
                sent++;
            }
            producer.flush();
            if (transaction != null && options.containsKey("abort")) {
                producer.abortTransaction();
            } else if (transaction != null) {
                producer.commitTransaction();
            }
        } finally {
            System.out.println(acknowledged.get());
        }
        if (fault.get() != null) {
            throw fault.get();
        }
    }

    private ProducerRecord<byte[], byte[]> record(String topic, byte[] line, int turn) {
        if (options.containsKey("keyed")) {
            int tab = 0;
            while (tab < line.length && line[tab] != '\t') {
                tab++;
            }
            if (tab == line.length) {
                throw new IllegalArgumentException("a line without a tab");
            }
            byte[] value = Arrays.copyOfRange(line, tab + 1, line.length);
            return new ProducerRecord<>(topic, Arrays.copyOf(line, tab),
                options.containsKey("escaped") ? plain(value) : value);
        }
        int partition = Integer.parseInt(options.getOrDefault("partition", "" + turn));
        return new ProducerRecord<>(topic, partition, null, options.containsKey("escaped") ? plain(line) : line);
    }

    /** The bytes that a line with escapes stands for. */
    private static byte[] plain(byte[] line) {
        if (line.length == 2 && line[0] == '\\' && line[1] == '-') {
            return null;
        }
        ByteArrayOutputStream plain = new ByteArrayOutputStream();
        for (int at = 0; at < line.length; at++) {
            if (line[at] == '\\') {
                plain.write(Integer.parseInt(new String(line, at + 1, 2, StandardCharsets.US_ASCII), 16));
                at += 2;
            } else {
                plain.write(line[at]);
            }
        }
        return plain.toByteArray();
    }

    /** Waits for the time at which a record may go out when so many have gone before it. */
    private static void pace(long begun, long sent, double rate) throws InterruptedException {
        if (rate > 0) {
            long early = begun + (long) (sent / rate * 1e9) - System.nanoTime();
            if (early > 0) {
                Thread.sleep(early / 1_000_000, (int) (early % 1_000_000));
            }
        }
    }

    private void consume(String topic, Path file) throws Exception {
        boolean slow = options.containsKey("slow");
        settings.put("key.deserializer", ByteArrayDeserializer.class);
        settings.put("value.deserializer", ByteArrayDeserializer.class);
        settings.put("isolation.level", options.containsKey("uncommitted") ? "read_uncommitted" : "read_committed");
        settings.put("allow.auto.create.topics", "false");
        settings.put("max.partition.fetch.bytes", "" + (8 << 20));
        settings.put("max.poll.records", slow ? "500" : "20000");
        settings.put("check.crcs", "true");
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings);
            OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            List<TopicPartition> parts = consumer.partitionsFor(topic).stream()
                .map(info -> new TopicPartition(info.topic(), info.partition()))
                .toList();
            if (parts.isEmpty()) {
                throw new UnknownTopicOrPartitionException("no topic " + topic);
            }
            Map<TopicPartition, Long> ends = consumer.endOffsets(parts);
            consumer.assign(parts);
            consumer.seekToBeginning(parts);
            Set<TopicPartition> left = new HashSet<>(parts);
            long moved = System.nanoTime();
            while (true) {
                left.removeIf(part -> consumer.position(part) >= ends.get(part));
                consumer.pause(parts.stream().filter(part -> !left.contains(part)).toList());
                if (left.isEmpty()) {
                    return;
                }
                var records = consumer.poll(Duration.ofMillis(200));
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    // A fetch may bring what came after the start.
                    if (record.offset() < ends.get(new TopicPartition(topic, record.partition()))) {
                        write(out, record);
                    }
                }
                if (!records.isEmpty()) {
                    moved = System.nanoTime();
                } else if (System.nanoTime() - moved > DEADLINE.toNanos()) {
                    throw new IllegalStateException("no record for " + DEADLINE.toSeconds() + " s: " + left);
                }
                if (slow) {
                    Thread.sleep(Long.parseLong(options.get("slow")));
                }
            }
        }
    }

    private static void write(OutputStream out, ConsumerRecord<byte[], byte[]> record) throws Exception {
        text(out, record.partition() + "\t" + record.offset() + "\t" + record.timestamp() + "\t");
        escaped(out, record.key(), "-");
        out.write('\t');
        boolean first = true;
        for (Header header : record.headers()) {
            text(out, first ? "" : ",");
            named(out, header.key().getBytes(StandardCharsets.UTF_8));
            out.write('=');
            named(out, header.value() == null ? new byte[0] : header.value());
            first = false;
        }
        text(out, first ? "-\t" : "\t");
        escaped(out, record.value(), "");
        out.write('\n');
    }

    private static void text(OutputStream out, String text) throws Exception {
        out.write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A key or a value, in one line: \t, \n and \\ stand for a tab, an end of line and a backslash. */
    private static void escaped(OutputStream out, byte[] bytes, String absent) throws Exception {
        if (bytes == null) {
            text(out, absent);
            return;
        }
        if (bytes.length == 1 && bytes[0] == '-' && !absent.isEmpty()) {
            // Not to be taken for no key.
            out.write('\\');
        }
        int from = 0;
        for (int at = 0; at < bytes.length; at++) {
            int letter = bytes[at] == '\t' ? 't' : bytes[at] == '\n' ? 'n' : bytes[at] == '\\' ? '\\' : 0;
            if (letter != 0) {
                out.write(bytes, from, at - from);
                out.write('\\');
                out.write(letter);
                from = at + 1;
            }
        }
        out.write(bytes, from, bytes.length - from);
    }

    /** A header's name or value: \c and \e stand for a comma and an equals sign besides. */
    private static void named(OutputStream out, byte[] bytes) throws Exception {
        ByteArrayOutputStream plain = new ByteArrayOutputStream();
        escaped(plain, bytes, "");
        text(out, plain.toString(StandardCharsets.UTF_8).replace(",", "\\c").replace("=", "\\e"));
    }

    /** The lines of a file as bytes. Java's own readers go byte by byte, which takes longer than Kafka does. */
    private static final class Lines {
        private final InputStream in;
        private byte[] buffer = new byte[1 << 20];
        private int from = 0;
        private int to = 0;

        Lines(InputStream in) {
            this.in = in;
        }

        /** The next line without its end; null after the last. */
        byte[] next() throws Exception {
            int at = from;
            while (true) {
                while (at < to && buffer[at] != '\n') {
                    at++;
                }
                if (at < to) {
                    byte[] line = Arrays.copyOfRange(buffer, from, at);
                    from = at + 1;
                    return line;
                }
                at -= from;
                if (!fill()) {
                    byte[] rest = Arrays.copyOfRange(buffer, from, to);
                    from = to;
                    return rest.length == 0 ? null : rest;
                }
            }
        }

        /** Reads on behind what is left, which moves to the front; says whether there was more. */
        private boolean fill() throws Exception {
            System.arraycopy(buffer, from, buffer, 0, to - from);
            to -= from;
            from = 0;
            if (to == buffer.length) {
                buffer = Arrays.copyOf(buffer, 2 * to);
            }
            int count = in.read(buffer, to, buffer.length - to);
            to += Math.max(count, 0);
            return count > 0;
        }
    }
}
