import static io.trino.testing.TestingSession.testSessionBuilder;

import io.trino.plugin.hive.HivePlugin;
import io.trino.testing.DistributedQueryRunner;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** Runs the statements of standard input, and prints the rows of each as JSON. */
class Ask {
  private static final PrintStream OUT = System.out; // before the server takes it for its log

  public static void main(String[] args) {
    int code = 1;
    try {
      answer(args[0]);
      code = 0;
    } catch (Throwable e) {
      e.printStackTrace();
    }
    OUT.flush();
    Runtime.getRuntime().halt(code); // a server in good order takes long to stop
  }

  private static void answer(String folder) throws Exception {
    var session = testSessionBuilder().setCatalog("hive").setSchema("default").build();
    var runner = DistributedQueryRunner.builder(session).setWorkerCount(0).build();
    runner.installPlugin(new HivePlugin());
    runner.createCatalog("hive", "hive", Map.of(
        "hive.metastore", "file",
        "hive.metastore.catalog.dir", "local://" + folder,
        "fs.local.enabled", "true",
        "local.location", "/",
        "hive.non-managed-table-writes-enabled", "true"));
    var user = new Properties();
    user.setProperty("user", "reader");
    var url = "jdbc:trino://" + runner.getCoordinator().getAddress();
    var statement = DriverManager.getConnection(url, user).createStatement();
    for (var sql : new String(System.in.readAllBytes(), StandardCharsets.UTF_8).split("\0")) {
      OUT.println("=== answer");
      try {
        if (statement.execute(sql)) {
          print(statement.getResultSet());
        }
      } catch (SQLException e) {
        OUT.println("=== failed: " + e);
      }
    }
  }

  private static void print(ResultSet rows) throws Exception {
    while (rows.next()) {
      List<String> values = new ArrayList<>();
      for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
        var value = rows.getObject(i);
        boolean plain = value == null || value instanceof Number || value instanceof Boolean;
        values.add(plain ? String.valueOf(value) : '"' + value.toString() + '"');
      }
      OUT.println(values);
    }
  }
}
