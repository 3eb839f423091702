// Prisma's schema engine without a download of its own: the WASM build in its npm package, on the driver `pg`.
//
// The engine reads the catalogs, whose columns are of the types "char" and name; the adapter for queries of an
// application has no use for the first. So both are handed over as what the engine's native build makes of them.
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";

const CHAR = 18;
const NAME = 19;
const TEXT = 25;
const CHARACTER = 6;
const MARK = "char:";

function asText(result) {
  for (const field of result.fields ?? []) {
    if (field.dataTypeID === CHAR) field.name = MARK + field.name;
    if ([CHAR, NAME].includes(field.dataTypeID)) field.dataTypeID = TEXT;
  }
  return result;
}

function asCharacters(rows) {
  rows.columnNames.forEach((name, n) => {
    if (!name.startsWith(MARK)) return;
    rows.columnNames[n] = name.slice(MARK.length);
    rows.columnTypes[n] = CHARACTER;
  });
  return rows;
}

export async function adapter() {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, allowExitOnIdle: true });
  const query = pool.query.bind(pool);
  pool.query = async (...asked) => asText(await query(...asked));
  const factory = new PrismaPg(pool, { disposeExternalPool: true });
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    const connection = await connect();
    const queryRaw = connection.queryRaw.bind(connection);
    connection.queryRaw = async (asked) => asCharacters(await queryRaw(asked));
    return connection;
  };
  return factory;
}
