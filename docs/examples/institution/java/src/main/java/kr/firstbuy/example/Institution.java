package kr.firstbuy.example;

import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.ApplicationArguments;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.core.KafkaTemplate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Sends each file as one message and waits for its answer: java -jar … kepco.properties submit.json [more.json …] */
@SpringBootApplication
public class Institution implements ApplicationRunner {

    private final Map<String, CompletableFuture<String>> answers = new ConcurrentHashMap<>();
    private final KafkaTemplate<String, String> kafka;
    private final JsonMapper json;
    private final String me;

    Institution(KafkaTemplate<String, String> kafka, JsonMapper json, @Value("${firstbuy.me}") String me) {
        this.kafka = kafka;
        this.json = json;
        this.me = me;
    }

    public static void main(String[] arguments) throws Exception {
        Properties handedOver = new Properties();
        try (Reader file = Files.newBufferedReader(Path.of(arguments[0]))) {
            handedOver.load(file);
        }
        Map<String, Object> settings = new HashMap<>();
        handedOver.forEach((name, value) -> settings.put("spring.kafka.properties." + name, value));
        settings.put("spring.kafka.bootstrap-servers", handedOver.getProperty("bootstrap.servers"));
        // The group's name begins with yours: firstbuy.institution.kepco
        settings.put("firstbuy.me", handedOver.getProperty("group.id").replaceFirst("\\.1$", ""));
        settings.put("spring.main.banner-mode", "off");
        settings.put("logging.level.root", "warn");
        System.exit(SpringApplication.exit(new SpringApplicationBuilder(Institution.class).properties(settings).run(arguments)));
    }

    @Override
    public void run(ApplicationArguments arguments) throws Exception {
        List<String> files = arguments.getNonOptionArgs();
        for (String file : files.subList(1, files.size())) {
            String body = Files.readString(Path.of(file));
            JsonNode message = json.readTree(body);
            CompletableFuture<String> answer = answers.computeIfAbsent(message.get("id").asString(), id -> new CompletableFuture<>());
            kafka.send(me + ".inbox.v1", message.get("request").asString(), body).get(30, TimeUnit.SECONDS);
            System.out.println(answer.get(60, TimeUnit.SECONDS));
        }
    }

    /** Answers quote the id of what they answer; everything else here is a notice. */
    @KafkaListener(topics = "${firstbuy.me}.outbox.v1")
    void hear(String body) {
        JsonNode heard = json.readTree(body);
        if (heard.has("quotes")) {
            answers.computeIfAbsent(heard.get("quotes").asString(), id -> new CompletableFuture<>()).complete(body);
        }
    }
}
