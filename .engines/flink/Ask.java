import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;

/** Runs the statements of standard input, and prints the rows of each as JSON. */
class Ask {
  public static void main(String[] args) {
    int code = 1;
    try {
      answer();
      code = 0;
    } catch (Throwable e) {
      e.printStackTrace();
    }
    System.out.flush();
    Runtime.getRuntime().halt(code); // Flink 2.3.0 may leave a fetcher of a source that waits for ever
  }

  private static void answer() throws Exception {
    var flink = TableEnvironment.create(EnvironmentSettings.inBatchMode());
    flink.getConfig().set("parallelism.default", "1"); // few rows, and few cores
    for (var sql : new String(System.in.readAllBytes(), StandardCharsets.UTF_8).split("\0")) {
      System.out.println("=== answer");
      try (var rows = flink.executeSql(sql).collect()) {
        while (rows.hasNext()) {
          print(rows.next());
        }
      } catch (RuntimeException e) {
        System.out.println("=== failed: " + e);
      }
    }
  }

  private static void print(Row row) {
    List<String> values = new ArrayList<>();
    for (int i = 0; i < row.getArity(); i++) {
      var value = row.getField(i);
      boolean plain = value == null || value instanceof Number || value instanceof Boolean;
      values.add(plain ? String.valueOf(value) : '"' + value.toString() + '"');
    }
    System.out.println(values);
  }
}
