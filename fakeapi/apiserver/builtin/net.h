/* net.h — addresses and ports, which several kinds of the network have. */
#pragma once

#include "fakeapi/apiserver/builtin/rules.h"

extern const char net_ip_words[], net_cidr_words[];

/* 4, 6, or 0 for what is no address. Zeros may lead the parts of an IPv4 address (net_addresses.c). */
int net_family(const char *ip);

struct net_cidr {
    int family;
    unsigned char bits[16];
    uint64_t length;
};
bool net_cidr_read(const char *s, struct net_cidr *ret);
int net_cidr_family(const char *s);    /* 0 for what is no CIDR */
bool net_cidr_inside(const struct net_cidr *in, const struct net_cidr *out);
/* No address of the machine itself, nor of the wire before it. */
void net_not_special(struct fielderrs *e, const char *ip, const struct fpath *at);
/* A number, or a name where a string is given. */
void net_port(struct fielderrs *e, const json_t *v, const struct fpath *path);
/* status.loadBalancer.ingress; addresses that were there before are not looked at. */
void net_balancer(struct fielderrs *e, const json_t *obj, const json_t *old);
