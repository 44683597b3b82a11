/* websocket_talk.h — what goes over a websocket once it stands (RFC 6455, sections 5 to 7), as bytes. Private to net.
 *
 * We send whole messages. What the client says is read and forgotten, but for pings, which are answered, and its goodbye.
 * Memory is bounded whatever it sends.
 */
#pragma once

#include "world/buf.h"

struct websocket_talk {                /* zero: nothing said yet */
    bool closing, closed;              /* closing: the goodbye is in `out`; closed: it has been taken */
    struct buf in;                     /* of a frame that is not there completely: its head, and control data */
    uint64_t skip;                     /* of a data frame that nobody reads */
    struct buf out;                    /* control frames */
};
void websocket_talk_release(struct websocket_talk *t);

enum { WEBSOCKET_BYE = 1000, WEBSOCKET_GOING_AWAY = 1001, WEBSOCKET_PROTOCOL_ERROR = 1002 };
void websocket_say_goodbye(struct websocket_talk *t, unsigned why);     /* once: a second one is not said */
void websocket_say(struct websocket_talk *t, bool binary, const void *message, size_t len);

/* What is to be sent now: 1 with a blob, 0: nothing, negative: the goodbye has been said. */
int websocket_talk_take(struct websocket_talk *t, struct blob **ret);
/* Bytes of the client; false: the goodbye has been said, there is nothing more to hear. */
bool websocket_hear(struct websocket_talk *t, const char *data, size_t len);
