#include "packet.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  char address[64];
  if (argc < 3) {
    fprintf(stderr, "usage: parser FILE FORMAT\n");
    return 2;
  }
  struct packet *packet = packet_read(argv[1]);
  if (packet == NULL) {
    perror(argv[1]);
    return 1;
  }
  report_show(packet, argv[2]);
  printf("mail it to: ");
  if (scanf("%s", address) == 1 && address[0] != 0) {
    report_mail(address);
  }
  packet_free(packet);
  printf("%s\n", packet->sender);
  return 0;
}
