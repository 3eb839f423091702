"""The words for Prisma and Drizzle of what our revisions have not made yet: enums, keys that set null, odd names."""

from migrations.catalog import Thing
from migrations.coexistence import drizzle, prisma
from migrations.coexistence.ours import Column, Index, Key, Ours, Part
from migrations.connection import Target


def part(column: str | None, text: str = "", *, class_: str = "", descending: bool = False) -> Part:
    return Part(column, text or str(column), class_ or "text_ops", not class_, descending, descending)


FOUND = Ours(
    target=Target("behavior", "app", "public"),
    tables=["ours"],
    enums={"Mood": ["GOOD", "it's"], "Hidden": ["X"]},
    columns=[
        Column("users", "mood", '"Mood"', True, "'GOOD'::\"Mood\"", "Mood"),
        Column("users", "2nd name", "character varying(40)", False, "'it''s'::character varying", None),
        Column("users", "share", "numeric(5,2)", True, "1.5", None),
        Column("users", "seen_at", "timestamp(3) without time zone", True, "now()", None),
    ],
    indexes=[
        Index("users", "users_by_age", "btree", True, None, [part("age", descending=True, class_="int4_pattern")]),
        Index("users", "users_near", "hnsw", False, None, [part("place")]),
        Index("users", "users_young", "btree", False, "age < `9`", [part(None, "lower(name)")]),
    ],
    keys=[Key("users", "users_team_fkey", "app_teams", "n", "c", ["team_id"], ["id"])],
    checks={"users.age_check": "CHECK ((age > 0))"},
    others=[Thing("trigger", "users.t"), Thing("view", "v")],
)


def test_prisma_is_told_in_its_own_words():
    advice = prisma.advise(FOUND)
    assert advice.config[1:] == ['tables: { external: ["app.ours"] },', 'enums: { external: ["app.Hidden"] },']
    assert advice.definitions == ["enum Mood {", "  GOOD", '  it_s @map("it\'s")', "}"]
    assert advice.additions["users"].fields == [
        "mood Mood @default(GOOD)",
        'f_2nd_name String? @default("it\'s") @map("2nd name") @db.VarChar(40)',
        "share Decimal @default(1.5) @db.Decimal(5, 2)",
        "seen_at DateTime @default(now())",
        'users_team_fkey app_teams? @relation("users_team_fkey", fields: [team_id], references: [id], '
        'onDelete: SetNull, onUpdate: Cascade, map: "users_team_fkey")',
    ]
    assert advice.additions["users"].rest == [
        '@@unique([age(sort: Desc, ops: raw("int4_pattern"))], map: "users_by_age")',
        '@@index([place], map: "users_near")',
    ]
    assert advice.additions["app_teams"].fields == ['users_team_fkey users[] @relation("users_team_fkey")']
    assert [note.split(":")[0] for note in advice.notes] == [
        "index users.users_near",
        "index users.users_young",
        "Prisma does not look at these, nothing to do",
    ]


def test_drizzle_is_told_in_its_own_words():
    advice = drizzle.advise(FOUND)
    assert advice.config == ['schemaFilter: ["app"],', 'tablesFilter: ["!ours"],']
    assert advice.definitions[0] == 'export const mood = pgEnum("Mood", ["GOOD", "it\'s"]);'
    assert advice.additions["users"].fields == [
        'mood: mood("mood").default("GOOD").notNull(),',
        '"2ndName": varchar("2nd name", { length: 40 }).default("it\'s"),',
        'share: numeric("share", { precision: 5, scale: 2 }).default("1.5").notNull(),',
        'seenAt: timestamp("seen_at", { precision: 3, mode: "string" }).defaultNow().notNull(),',
    ]
    assert advice.additions["users"].rest == [
        'uniqueIndex("users_by_age").using("btree", table.age.desc().nullsFirst().op("int4_pattern")),',
        'index("users_near").using("hnsw", table.place.asc().nullsLast().op("text_ops")),',
        'index("users_young").using("btree", sql`lower(name)`).where(sql`age < \\`9\\``),',
        'foreignKey({ name: "users_team_fkey", columns: [table.teamId], foreignColumns: [appTeams.id] })'
        '.onUpdate("cascade").onDelete("set null"),',
        'check("age_check", sql`(age > 0)`),',
    ]
    assert "view v" in advice.notes[0]
