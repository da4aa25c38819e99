import com.alibaba.druid.DbType;
import com.alibaba.druid.sql.SQLUtils;
import java.nio.charset.StandardCharsets;

/** Parses each statement of standard input as MaxCompute's, and prints what it is. */
class Ask {
  public static void main(String[] args) throws Exception {
    for (var sql : new String(System.in.readAllBytes(), StandardCharsets.UTF_8).split("\0")) {
      var parsed = SQLUtils.parseStatements(sql, DbType.odps);
      System.out.println("=== answer");
      for (var statement : parsed) {
        System.out.println("[\"" + statement.getClass().getSimpleName() + "\"]");
      }
    }
  }
}
