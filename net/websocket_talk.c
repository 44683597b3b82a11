#include "net/websocket_talk.h"

enum opcode { OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };
enum { FIN = 0x80, MASKED = 0x80, CONTROL_MAX = 125 };
enum { OUT_MAX = 4096 };               /* who pings and does not read gets no more answers */

/* ---- saying --------------------------------------------------------------------------------------- */

static void add_frame(struct buf *b, unsigned opcode, const void *data, size_t len)
{
    buf_add_char(b, (char)(FIN | opcode));
    if (len <= CONTROL_MAX) {
        buf_add_char(b, (char)len);
    } else {
        int bytes = len <= 0xffff ? 2 : 8;
        buf_add_char(b, (char)(bytes == 2 ? 126 : 127));
        for (int i = bytes - 1; i >= 0; i--)
            buf_add_char(b, (char)((uint64_t)len >> (8 * i)));
    }
    buf_add(b, data, len);
}

void websocket_say_goodbye(struct websocket_talk *t, unsigned why)
{
    const char code[2] = { (char)(why >> 8), (char)why };

    if (!t->closing)
        add_frame(&t->out, OP_CLOSE, code, sizeof(code));
    t->closing = true;
}

void websocket_say(struct websocket_talk *t, bool binary, const void *message, size_t len)
{
    add_frame(&t->out, binary ? OP_BINARY : OP_TEXT, message, len);
}

int websocket_talk_take(struct websocket_talk *t, struct blob **ret)
{
    if (!t->out.len)
        return t->closed ? -1 : 0;
    *ret = blob_new(t->out.data, t->out.len);
    t->closed = t->closing;
    buf_reset(&t->out);
    return 1;
}

void websocket_talk_release(struct websocket_talk *t)
{
    buf_release(&t->in);
    buf_release(&t->out);
}

/* ---- hearing -------------------------------------------------------------------------------------- */

/* A control frame of the client, unmasked. */
static void on_control(struct websocket_talk *t, unsigned opcode, const char *data, size_t len)
{
    if (opcode == OP_PING && t->out.len < OUT_MAX)
        add_frame(&t->out, OP_PONG, data, len);
    else if (opcode == OP_CLOSE)
        websocket_say_goodbye(t, WEBSOCKET_BYE);
}

/* How long the head of the frame in `in` is, and what follows it; 0: more of the head must come first. */
static size_t head_of(const struct websocket_talk *t, uint64_t *ret_len)
{
    const unsigned char *p = (const unsigned char *)t->in.data;
    size_t extra;

    if (t->in.len < 2)
        return 0;
    *ret_len = p[1] & 0x7f;
    extra = *ret_len == 126 ? 2 : *ret_len == 127 ? 8 : 0;
    if (t->in.len < 2 + extra + 4)
        return 0;
    if (extra)
        *ret_len = 0;
    for (size_t i = 0; i < extra; i++)
        *ret_len = *ret_len << 8 | p[2 + i];
    return 2 + extra + 4;
}

/* Takes the frame at the beginning of `in` out of it; false: it is not there yet. */
static bool take_frame(struct websocket_talk *t)
{
    uint64_t len;
    size_t head = head_of(t, &len), have;
    unsigned first = t->in.len ? (unsigned char)t->in.data[0] : 0, opcode = first & 15;
    const char *mask = t->in.data + head - 4;

    if (t->in.len > 1 && (!(t->in.data[1] & MASKED) || (first & 0x70))) {
        websocket_say_goodbye(t, WEBSOCKET_PROTOCOL_ERROR);           /* clients mask, and nobody has agreed on extensions */
        return false;
    }
    if (!head)
        return false;
    have = t->in.len - head;
    if (opcode >= OP_CLOSE) {
        char data[CONTROL_MAX];
        if (len > CONTROL_MAX || !(first & FIN)) {
            websocket_say_goodbye(t, WEBSOCKET_PROTOCOL_ERROR);
            return false;
        }
        if (have < len)
            return false;
        for (size_t i = 0; i < len; i++)
            data[i] = t->in.data[head + i] ^ mask[i & 3];
        on_control(t, opcode, data, len);
        have = len;
    } else {
        have = have < len ? have : (size_t)len;
        t->skip = len - have;
    }
    t->in.len -= head + have;
    memmove(t->in.data, t->in.data + head + have, t->in.len);
    return true;
}

bool websocket_hear(struct websocket_talk *t, const char *data, size_t len)
{
    size_t skip = t->skip < len ? (size_t)t->skip : len;

    t->skip -= skip;
    if (t->closing)
        return !t->closed;
    buf_add(&t->in, data + skip, len - skip);
    while (!t->closing && !t->skip && t->in.len && take_frame(t))
        ;
    return !t->closed;
}
