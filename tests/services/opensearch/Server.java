// A server of OpenSearch as the tests need it: the published library with some of the modules of its distribution, in
// one process that runs until it is told to end.
//
//   Server FOLDER   the settings are in FOLDER/config/opensearch.yml

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.codelibs.opensearch.runner.OpenSearchRunner;

public final class Server {
    /**
     * What a server of documents needs. The analysers of the distribution are left out: those of Thai want a part of
     * Java that the runtime for OpenSearch 3 does not have.
     */
    private static final List<String> MODULES = List.of(
        "org.opensearch.index.mapper.MapperExtras",
        "org.opensearch.index.reindex.Reindex",
        "org.opensearch.ingest.common.IngestCommon",
        "org.opensearch.painless.Painless",
        "org.opensearch.script.mustache.Mustache",
        "org.opensearch.transport.Netty4");

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        Path settings = folder.resolve("config/opensearch.yml");
        OpenSearchRunner runner = new OpenSearchRunner();
        // The runner has opinions of its own on what is not set here.
        runner.onBuild((number, builder) -> {
            try {
                builder.loadFromPath(settings);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                runner.close();
            } catch (IOException error) {
                error.printStackTrace();
            }
        }));
        runner.build(
            "-basePath", folder.toString(),
            "-confPath", folder.resolve("config").toString(),
            "-dataPath", folder.resolve("data").toString(),
            "-logsPath", folder.resolve("logs").toString(),
            "-numOfNode", "1",
            "-moduleTypes", modules());
        new CountDownLatch(1).await();
    }

    /** Version 2 and version 3 name their modules differently; the runner leaves out a name that is not there. */
    private static String modules() {
        StringBuilder names = new StringBuilder();
        for (String module : MODULES) {
            names.append(module).append("Plugin,").append(module).append("ModulePlugin,");
        }
        return names.toString();
    }
}
