/* quota.h — ResourceQuota: the last to have a say in a write.
 *
 * A quota counts once its status says what is hard and what is used, as its controller would say it. What a write
 * adds is written down before the write itself; a write that then fails stays counted, as in the real server, until
 * somebody counts again.
 */
#pragma once

#include "fakeapi/apiserver/admission/admission.h"

int quota_admit(struct call *c, const struct admission *a);
