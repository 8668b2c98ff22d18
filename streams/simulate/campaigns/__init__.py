"""The abusive campaigns: what each account of one does, and when the pattern of its name must see it.

A campaign does what its pattern looks for, in the way somebody might who knows nothing of it. Slowed
down, split over accounts or moved between surfaces far enough it slips under; so what was really
done is recounted (`streams.simulate.recount`). One module per theme.
"""

from streams.simulate.campaigns import attempts, lives, material, people, reports
from streams.simulate.campaigns.campaign import HOP, PAD, SPLIT, Campaign

__all__ = ["CAMPAIGNS", "HOP", "PAD", "SPLIT", "Campaign"]

CAMPAIGNS = {
    campaign.name: campaign
    for room in (attempts, material, lives, people, reports)
    for campaign in room.CAMPAIGNS
}
"""All kinds of campaigns by name, one per pattern of the catalogue."""
