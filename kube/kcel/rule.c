#include "kube/kcel/rule.h"

#include "kube/cel/ast.h"
#include "kube/object.h"

/* ---- environments -------------------------------------------------------------------------------------- */

void kcel_scope_init(struct kcel_scope *s, const struct cel_env *base, const struct cel_type *self)
{
    s->env = cel_env_child(base);
    s->optional = cel_env_child(base);
    cel_env_add_variable(s->env, "self", self);
    cel_env_add_variable(s->env, "oldSelf", self);
    cel_env_add_variable(s->optional, "self", self);
    cel_env_add_variable(s->optional, "oldSelf", cel_type_optional(cel_env_arena(s->optional), self));
    kcel_estimator_init(&s->estimator, self);
}

void kcel_scope_release(struct kcel_scope *s)
{
    s->env = cel_env_free(s->env);
    s->optional = cel_env_free(s->optional);
}

/* ---- compiling --------------------------------------------------------------------------------------------- */

static bool blank(const char *s)
{
    return s[strspn(s, " \t\r\n\v\f")] == 0;
}

/* NULL with *ret_wrong. `what` stands before each sentence: "" or "messageExpression ". */
static struct cel_program *compile(const struct cel_env *env, const char *text, enum cel_type_kind want, const char *what,
                                   struct arena *a, const char **ret_wrong)
{
    struct cel_issues issues = { .arena = a };
    struct cel_program *p = cel_compile(env, text, strlen(text), &issues);

    if (!p) {
        *ret_wrong = arena_printf(a, "%scompilation failed: %s", what, cel_issues_text(&issues, text, strlen(text)));
        return NULL;
    }
    if (cel_program_type(p)->kind != want) {
        *ret_wrong = want == CEL_TYPE_BOOL ? "cel expression must evaluate to a bool"
                                           : "messageExpression must evaluate to a string";
        return cel_program_free(p);
    }
    const char *why = cel_program_wrong(p);
    if (why) {
        *ret_wrong = arena_printf(a, "%s instantiation failed: %s", *what ? "messageExpression" : "program", why);
        return cel_program_free(p);
    }
    return p;
}

void kcel_rule_compile(const struct kcel_scope *s, const json_t *node, struct arena *a, struct kcel_rule *ret)
{
    const char *rule = obj_str(node, "rule"), *message = obj_str(node, "messageExpression");

    *ret = (struct kcel_rule){ .node = node, .optional_old = json_is_true(json_object_get(node, "optionalOldSelf")) };
    if (blank(rule))
        return;
    const struct cel_env *env = ret->optional_old ? s->optional : s->env;
    ret->program = compile(env, rule, CEL_TYPE_BOOL, "", a, &ret->wrong);
    if (!ret->program)
        return;
    ret->uses_old = cel_program_reads(ret->program, "oldSelf");
    ret->max_cost = cel_estimate_cost(ret->program, &s->estimator.base).max;
    if (!*message)
        return;
    ret->message = compile(env, message, CEL_TYPE_STRING, "messageExpression ", a, &ret->message_wrong);
    if (ret->message)
        ret->message_max_cost = cel_estimate_cost(ret->message, &s->estimator.base).max;
}

void kcel_rule_release(struct kcel_rule *r)
{
    r->program = cel_program_free(r->program);
    r->message = cel_program_free(r->message);
}
