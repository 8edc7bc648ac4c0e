package dev.symbiont.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BatchLineTest {

  private static final BatchLine.Common COMMON =
      new BatchLine.Common("news", "", "haiku", Map.of("batch", "news"));

  @Test
  void aLineIsAPromptOrATask() {
    assertThat(BatchLine.of(List.of("one", " ", "{two"), COMMON))
        .extracting(BatchLine::number, it -> it.task().path("task").asString())
        .containsExactly(tuple(1, "one"), tuple(3, "{two"));

    BatchLine own =
        BatchLine.of(
                List.of(
                    "{\"task\":\"x\",\"force_tier\":\"opus\",\"labels\":{\"batch\":\"b\",\"a\":\"1\"},\"id\":\"mine\"}"),
                COMMON)
            .getFirst();

    assertThat(own.id()).isEqualTo("mine");
    assertThat(own.task().path("force_tier").asString()).isEqualTo("opus");
    assertThat(own.task().path("labels").toString()).isEqualTo("{\"batch\":\"b\",\"a\":\"1\"}");
  }

  @Test
  void anIdComesFromAllThatMakesTheTaskAnother() {
    BatchLine first = line(List.of("same", "same"), COMMON, 0);

    assertThat(first.id()).isEqualTo(line(List.of("same"), COMMON, 0).id());
    assertThat(first.id())
        .isNotEqualTo(line(List.of("same", "same"), COMMON, 1).id())
        .isNotEqualTo(line(List.of("other"), COMMON, 0).id());
    for (var other :
        List.of(
            new BatchLine.Common("again", "", "haiku", Map.of("batch", "news")),
            new BatchLine.Common("news", "k2", "haiku", Map.of("batch", "news")),
            new BatchLine.Common("news", "", "opus", Map.of("batch", "news")),
            new BatchLine.Common("news", "", "haiku", Map.of("batch", "news", "a", "b")))) {
      assertThat(first.id()).isNotEqualTo(line(List.of("same"), other, 0).id());
    }
  }

  @Test
  void aLineThatIsNoObjectAmongObjectsIsNamed() {
    assertThatThrownBy(() -> BatchLine.of(List.of("{\"task\":\"x\"}", "", "y"), COMMON))
        .hasMessageContaining("line 3");
    assertThatThrownBy(() -> BatchLine.of(List.of("{\"task\":\"x\"}", "{\"task\""), COMMON))
        .hasMessageContaining("line 2");
  }

  private static BatchLine line(List<String> lines, BatchLine.Common common, int index) {
    return BatchLine.of(lines, common).get(index);
  }
}
