// What the broker's listener SASL_SSL takes for an AWS identity, in place of the part of Amazon MSK that is not to be had:
// it knows two access keys, and sees that a token is a fresh presigned URL of `kafka-cluster:Connect` that one of them has
// signed (Signature Version 4). MSK asks AWS the same, and then for the identity's policies, which are Kafka's ACLs here.
//
// Each decision is a line on stdout: `iam: ` and `taken` or why not, then the token's fields in the order below.

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.security.auth.callback.Callback;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

public final class MskIam implements AuthenticateCallbackHandler {
    /** Access keys, and who has them; the secret is that of all logins of the tests. */
    private static final Map<String, String> USERS = Map.of("AKIDFLOW", "flow", "AKIDSTRANGER", "stranger");
    private static final String SECRET = "test-only";

    private static final String REGION = "eu-central-1";
    private static final String SERVICE = "kafka-cluster";
    private static final Duration LIFE_MAX = Duration.ofSeconds(900);
    private static final Duration SKEW_MAX = Duration.ofSeconds(60);
    private static final DateTimeFormatter STAMP =
        DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final String EMPTY = hash("");

    /** Why a token is refused. */
    private static final class Refused extends Exception {
        Refused(String why) {
            super(why);
        }
    }

    private record Token(String value, String principalName, Long startTimeMs, long lifetimeMs, Set<String> scope)
        implements OAuthBearerToken {}

    @Override
    public void configure(Map<String, ?> settings, String mechanism, List<AppConfigurationEntry> entries) {}

    @Override
    public void close() {}

    @Override
    public void handle(Callback[] callbacks) {
        for (Callback callback : callbacks) {
            // The others are about extensions, of which there are none.
            if (callback instanceof OAuthBearerValidatorCallback asked) {
                decide(asked);
            }
        }
    }

    private static void decide(OAuthBearerValidatorCallback asked) {
        Map<String, String> query = new TreeMap<>();
        String said = "taken";
        try {
            asked.token(token(asked.tokenValue(), query));
        } catch (Refused refused) {
            said = refused.getMessage();
            asked.error("invalid_token", null, null);
        } catch (Exception error) {
            said = error.toString();
            asked.error("invalid_token", null, null);
        }
        System.out.printf("iam: %s: session=%s key=%s date=%s expires=%s%n", said, query.get("X-Amz-Security-Token"),
            query.get("X-Amz-Credential"), query.get("X-Amz-Date"), query.get("X-Amz-Expires"));
    }

    private static Token token(String value, Map<String, String> query) throws Refused {
        demand(!value.contains("="), "padded");
        URI url = URI.create(new String(Base64.getUrlDecoder().decode(value), StandardCharsets.US_ASCII));
        for (String pair : url.getRawQuery().split("&")) {
            String[] parts = pair.split("=", 2);
            String text = URLDecoder.decode(parts[1].replace("+", "%2B"), StandardCharsets.UTF_8);
            demand(encoded(text).equals(parts[1]), "encoded otherwise");
            demand(query.put(parts[0], text) == null, "said twice");
        }
        String host = "kafka." + REGION + ".amazonaws.com";
        demand(url.getScheme().equals("https") && url.getRawPath().equals("/"), "another address");
        demand(url.getRawAuthority().equals(host), "another region");
        demand("kafka-cluster:Connect".equals(query.get("Action")), "another action");
        demand("AWS4-HMAC-SHA256".equals(query.get("X-Amz-Algorithm")), "another algorithm");
        demand("host".equals(query.get("X-Amz-SignedHeaders")), "other headers");
        demand(query.containsKey("User-Agent"), "nobody's signer");

        String[] scope = query.getOrDefault("X-Amz-Credential", "").split("/", 2);
        String stamp = query.get("X-Amz-Date");
        String day = stamp.substring(0, 8);
        String place = day + "/" + REGION + "/" + SERVICE + "/aws4_request";
        demand(scope.length == 2 && scope[1].equals(place), "another scope");
        String user = USERS.get(scope[0]);
        demand(user != null, "a key that nobody has");

        Instant begin = Instant.from(STAMP.parse(stamp));
        Duration life = Duration.ofSeconds(Long.parseLong(query.get("X-Amz-Expires")));
        demand(life.toSeconds() >= 1 && life.compareTo(LIFE_MAX) <= 0, "too long a life");
        Instant now = Instant.now();
        demand(begin.isBefore(now.plus(SKEW_MAX)), "not yet begun");
        demand(begin.plus(life).isAfter(now), "expired");

        String signed = query.entrySet().stream()
            .filter(row -> !Set.of("X-Amz-Signature", "User-Agent").contains(row.getKey()))
            .map(row -> encoded(row.getKey()) + "=" + encoded(row.getValue()))
            .collect(Collectors.joining("&"));
        String request = String.join("\n", "GET", "/", signed, "host:" + host, "", "host", EMPTY);
        String toSign = String.join("\n", "AWS4-HMAC-SHA256", stamp, place, hash(request));
        byte[] key = ("AWS4" + SECRET).getBytes(StandardCharsets.UTF_8);
        for (String part : List.of(day, REGION, SERVICE, "aws4_request")) {
            key = mac(key, part);
        }
        String signature = HexFormat.of().formatHex(mac(key, toSign));
        demand(signature.equals(query.get("X-Amz-Signature")), "another signature");
        return new Token(value, user, begin.toEpochMilli(), begin.plus(life).toEpochMilli(), Set.of());
    }

    private static void demand(boolean holds, String otherwise) throws Refused {
        if (!holds) {
            throw new Refused(otherwise);
        }
    }

    /** As Signature Version 4 writes what stands in a query. */
    private static String encoded(String text) {
        StringBuilder out = new StringBuilder();
        for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
            char letter = (char) (one & 0xff);
            boolean plain = letter < 128 && (Character.isLetterOrDigit(letter) || "-._~".indexOf(letter) >= 0);
            out.append(plain ? String.valueOf(letter) : String.format("%%%02X", one & 0xff));
        }
        return out.toString();
    }

    private static String hash(String text) {
        try {
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(sum);
        } catch (java.security.GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    private static byte[] mac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (java.security.GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }
}
