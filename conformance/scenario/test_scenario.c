/* The scenario language: one wrong file per row, and the message it earns. */
#include "conformance/scenario/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/json.h"

#define HEAD                                        \
    "apiVersion: conformance.dormouse/v1\n"         \
    "kind: Scenario\n"                              \
    "name: s\n"                                     \
    "title: t\n"                                    \
    "requirements: [SUS-001]\n"                     \
    "feature: Stop\n"
#define STEPS HEAD "steps:\n"

static const struct row {
    const char *name, *text, *want;    /* want: "line:col: message", or "" where it is right */
} rows[] = {
    { "the smallest one", STEPS "- advance: 1s\n", "" },
    { "unknown field at the top", HEAD "stepz: []\nsteps: []\n",
      "7:1: unknown field stepz in Scenario; did you mean steps?" },
    { "unknown field in a step", STEPS "- advence: 1s\n",
      "8:3: unknown field advence in Step; did you mean advance?" },
    { "unknown field nobody meant", STEPS "- advance: 1s\n  colour: red\n", "9:3: unknown field colour in Step" },
    { "missing field", "apiVersion: conformance.dormouse/v1\nkind: Scenario\n", "1:1: Scenario lacks the field name" },
    { "wrong apiVersion", "apiVersion: v2\nkind: Scenario\nname: s\ntitle: t\nrequirements: [SUS-001]\n"
      "feature: Stop\nsteps: []\n", "1:1: apiVersion must be conformance.dormouse/v1" },
    { "unknown requirement", "apiVersion: conformance.dormouse/v1\nkind: Scenario\nname: s\ntitle: t\n"
      "requirements: [SUS-999]\nfeature: Stop\nsteps: []\n", "5:16: unknown requirement SUS-999" },
    { "a list where a map belongs", "- a\n", "1:1: Scenario must be a map, not a list" },
    { "a number where text belongs", HEAD "given: {noDriver: 1}\nsteps: []\n",
      "7:19: noDriver must be a boolean, not an integer" },
    { "no such word", HEAD "given: {clusterLoops: [cubelet]}\nsteps: []\n",
      "7:24: cubelet is none of: scheduler, kubelet, gc, namespace, volume" },
    { "a duration without unit", STEPS "- advance: \"10\"\n",
      "8:12: 10 is no duration: write 500ms, 30s, 5m or 1h" },
    { "two things in one step", STEPS "- advance: 1s\n  suspend: s\n", "8:3: Step may not have advance beside suspend" },
    { "nothing in a step", STEPS "- note: hm\n",
      "8:3: Step needs one of: create, apply, patch, delete, suspend, resume, advance, expect, seen, never, "
      "calls, order, artifacts, guest, quiet, capture, mark, crash, startController, fault, heal, hold, "
      "release" },
    { "unknown kind", STEPS "- expect: {kind: Sandbxo}\n", "8:11: unknown kind Sandbxo" },
    { "unknown kind of object", STEPS "- create: {apiVersion: v1, kind: Pood, metadata: {name: p}}\n",
      "8:3: unknown kind Pood" },
    { "wrong apiVersion of object", STEPS "- create: {apiVersion: v2, kind: Pod, metadata: {name: p}}\n",
      "8:3: apiVersion of a Pod is v1" },
    { "object without name", STEPS "- create: {apiVersion: v1, kind: Pod}\n", "8:3: the object lacks metadata.name" },
    { "variable nobody took", STEPS "- expect: {kind: Pod, matches: {metadata: {uid: \"${u}\"}}}\n",
      "8:11: no capture before this step took ${u}" },
    { "variable taken before", STEPS "- capture: {kind: Pod, name: p, values: {u: metadata.uid}}\n"
      "- expect: {kind: Pod, matches: {metadata: {uid: \"${u}\"}}}\n", "" },
    { "mark nobody set", STEPS "- calls: {rpc: Checkpoint, none: true, since: m}\n", "8:10: no mark m before this step" },
    { "calls that demand nothing", STEPS "- calls: {rpc: Checkpoint}\n",
      "8:10: this demands nothing: say none, count, atLeast, atMost, same or distinct" },
    { "a fault on both sides", STEPS "- fault: {rpc: Checkpoint, verbs: patch, do: loseReply}\n",
      "8:10: a fault strikes either an rpc or verbs" },
    { "an answer without code", STEPS "- fault: {rpc: Checkpoint, do: answer}\n", "8:10: answer needs a code" },
    { "not a gRPC code", STEPS "- fault: {rpc: Checkpoint, do: answer, code: Conflict}\n",
      "8:10: Conflict is no gRPC code" },
    { "not a Status reason", STEPS "- fault: {verbs: patch, do: answer, code: ABORTED}\n",
      "8:10: ABORTED is no reason of a Status" },
    { "refused without a request", STEPS "- advance: 1s\n  refused: {code: 422}\n",
      "9:12: refused belongs to create, apply, patch and delete" },
    { "unknown invariant", STEPS "- advance: 1s\nwaive:\n- {invariant: gravity, because: we fly}\n",
      "10:3: unknown invariant gravity" },
    { "never looks back", STEPS "- never: {kind: Pod, gone: true}\n",
      "8:10: never looks back: gone, count, within and for make no sense in it" },
    { "a condition is a status", STEPS "- expect: {kind: Sandbox, conditions: {Ready: yep}}\n",
      "8:40: a condition is True, False, Unknown or absent" },
};

static void check_row(void **state)
{
    const struct row *row = *state;
    struct scenario_file *f = scenario_parse("s.yaml", row->text, strlen(row->text));
    cleanup_free char *got = f->diags.list.n > 0
                                 ? xasprintf("%d:%d: %s", f->diags.list.v[0].line, f->diags.list.v[0].col,
                                             f->diags.list.v[0].message)
                                 : xstrdup("");

    assert_int_equal(f->scenario == NULL, *row->want != '\0');
    scenario_file_free(f);
    assert_string_equal(got, row->want);
}

static void requirements_are_sorted_and_found(void **state)
{
    assert_true(requirement_count > 200);
    for (size_t i = 1; i < requirement_count; i++)
        assert_true(strcmp(requirement_table[i - 1].id, requirement_table[i].id) < 0);
    assert_string_equal(requirement_find("SUS-072")->id, "SUS-072");
    assert_null(requirement_find("SUS-72"));
}

static void schema_is_the_published_one(void **state)
{
    json_auto_t *mine = scenario_schema(), *published = json_load_file(*state, 0, NULL);

    assert_non_null(published);
    if (!json_same(mine, published))
        fail_msg("%s", "differs from `dormouse lint --schema`: print it there again");
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 2];
    size_t n = 0;

    if (argc != 2)
        return 2;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = rows[i].name, .test_func = check_row,
                                          .initial_state = (void *)&rows[i] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(requirements_are_sorted_and_found);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test_prestate(schema_is_the_published_one, argv[1]);
    return cmocka_run_group_tests_name("scenario", tests, NULL, NULL);
}
