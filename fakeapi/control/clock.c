#include "fakeapi/control/control_priv.h"
#include "world/loop.h"

#define TICK DURATION_MS(10)
#define RATE_MAX 100000
#define STEPS_MAX (DURATION_MIN(60) * 24 * 31)   /* beyond, every timer on the way would take its time */

json_t *lab_clock_show(struct ask *a)
{
    const struct lab_clock *k = &a->control->clock;

    if (!k->virtual)
        return json_pack("{s:o, s:s, s:b}", "now", json_instant(world_now(a->control->world)), "time", "real",
                         "running", 1);
    return json_pack("{s:o, s:s, s:b, s:I}", "now", json_instant(world_now(a->control->world)), "time", "virtual",
                     "running", k->tick != NULL, "rate", (json_int_t)k->rate);
}

static bool is_virtual(struct ask *a)
{
    if (!a->control->clock.virtual)
        ask_refuse(a, APIERR_BAD_REQUEST, "this server's time is the machine's: start it with --time=virtual");
    return a->control->clock.virtual;
}

/* ---- running -------------------------------------------------------------------------------------- */

static void on_tick(void *arg)
{
    struct control *c = arg;
    struct lab_clock *k = &c->clock;
    duration now = loop_monotonic();

    world_advance(c->world, (now - k->ticked) * (duration)k->rate);
    k->ticked = now;
    loop_timer_free(k->tick);
    k->tick = loop_timer_new(world_loop(c->world), TICK, on_tick, c);
}

json_t *lab_clock_set(struct ask *a)
{
    static const char *const keys[] = { "running", "rate", NULL };
    struct lab_clock *k = &a->control->clock;
    const json_t *running;
    uint64_t rate = k->rate;

    if (!is_virtual(a) || !ask_body(a, keys) || !ask_count(a, "rate", RATE_MAX, &rate))
        return NULL;
    running = json_object_get(a->body, "running");
    if (running && !json_is_boolean(running))
        return ask_refuse(a, APIERR_BAD_REQUEST, "running must be true or false");
    if (rate == 0)
        return ask_refuse(a, APIERR_BAD_REQUEST, "rate must be at least 1: {\"running\": false} stops the clock");
    if (k->tick)
        on_tick(a->control);           /* what has passed so far went at the old rate */
    k->rate = rate;
    if (json_is_true(running) && !k->tick) {
        k->ticked = loop_monotonic();
        k->tick = loop_timer_new(world_loop(a->control->world), TICK, on_tick, a->control);
    }
    if (json_is_false(running))
        k->tick = loop_timer_free(k->tick);
    return lab_clock_show(a);
}

/* ---- advancing ------------------------------------------------------------------------------------ */

/* Lets everything that can run now run, and hear of what was written. A task that never rests is given this many
 * turns. */
static int let_run(struct co *co, struct control *c)
{
    int r, turns = 10000;

    do {
        apiserver_sync(c->apiserver, NULL);       /* where that fails, the owner of the loop finds out */
        r = co_yield(co);
    } while (r == 0 && --turns && world_runnable(c->world));
    return r;
}

/* Promise 3. Somebody else may move the clock meanwhile: it never goes back. */
static int advance_to(struct co *co, struct control *c, struct instant target)
{
    struct world *w = c->world;
    int r = let_run(co, c);

    while (r == 0 && instant_before(world_now(w), target)) {
        struct instant next = world_next_timer(w);
        if (!instant_before(next, target))
            next = target;
        world_advance(w, instant_sub(next, world_now(w)));
        r = let_run(co, c);
    }
    return r;
}

json_t *lab_clock_advance(struct ask *a)
{
    static const char *const keys[] = { "by", "to", "jump", NULL };
    struct world *w = a->control->world;
    struct instant target = world_now(w);
    bool jump = json_is_true(json_object_get(a->body, "jump"));
    const char *to;
    duration by = -1;

    if (!is_virtual(a) || !ask_body(a, keys) || !ask_duration(a, "by", &by) || !ask_text(a, "to", &to))
        return NULL;
    if ((by >= 0) == (to != NULL))
        return ask_refuse(a, APIERR_BAD_REQUEST, "say by how much, or to which time");
    if (to && !time_parse(to, &target))
        return ask_refuse(a, APIERR_BAD_REQUEST, "to: %s is no time: write 2030-01-01T00:00:00Z", to);
    if (to && instant_before(target, world_now(w)))
        return ask_refuse(a, APIERR_BAD_REQUEST, "to: %s is past, and time does not go back", to);
    if (!to)
        target = instant_add(target, by);
    by = instant_sub(target, world_now(w));
    if (by > STEPS_MAX && !jump)
        return ask_refuse(a, APIERR_BAD_REQUEST, "more than 31 days: say \"jump\": true to let all that falls due on "
                          "the way happen at the end");
    if (jump)
        world_advance(w, by);
    return advance_to(a->co, a->control, target) < 0 ? NULL : lab_clock_show(a);
}

void lab_clock_release(struct lab_clock *k)
{
    k->tick = loop_timer_free(k->tick);
}
