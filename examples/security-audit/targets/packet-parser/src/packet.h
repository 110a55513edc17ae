#ifndef PACKET_H
#define PACKET_H

#include <stddef.h>

struct packet {
  char sender[32];
  char *body;
  size_t body_size;
};

struct packet *packet_read(const char *path);
void packet_free(struct packet *packet);
void report_show(const struct packet *packet, const char *format);
void report_mail(const char *address);

#endif
