package bench;

/** One signal as it stands on the wire; an unknown field refuses it. */
final class Signal {
  public String id;
  public String account;
  public String kind;
  public long at;
  public String surface;
  public String device;
  public String model;
  public String source;
  public String category;
  public String verdict;
}
